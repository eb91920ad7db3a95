"""Makes PDF files of known text by several programs: pdf_made.py FOLDER_OF_TEXTS FOLDER

Each text becomes one file by ReportLab (in one column and in two), fpdf2, MuPDF and, where it is installed, LibreOffice;
the text lies beside each, for pdf_accuracy.py.
"""

import html
import pathlib
import subprocess
import sys
import tempfile

import fitz
import fpdf
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate, Paragraph


def paragraphs(text):
    blocks = [" ".join(line.strip("# ") for line in block.splitlines()) for block in text.split("\n\n")]
    latin = [block.encode("cp1252", "ignore").decode("cp1252") for block in blocks]
    return [block for block in latin if block.strip()]


def by_reportlab(blocks, target, columns):
    document = BaseDocTemplate(str(target))
    gap, width = 24, document.width
    each = (width - gap * (columns - 1)) / columns
    frames = [
        Frame(document.leftMargin + n * (each + gap), document.bottomMargin, each, document.height) for n in range(columns)
    ]
    document.addPageTemplates(PageTemplate(frames=frames))
    style = getSampleStyleSheet()["BodyText"]
    document.build([Paragraph(html.escape(block), style) for block in blocks])


def by_fpdf(blocks, target):
    document = fpdf.FPDF()
    document.add_page()
    document.set_font("Times", size=11)
    document.core_fonts_encoding = "cp1252"
    for block in blocks:
        document.multi_cell(0, 5, block, new_x="LMARGIN", new_y="NEXT", align="J")
        document.ln(3)
    document.output(str(target))


def by_mupdf(blocks, target):
    story = fitz.Story("".join(f"<p>{html.escape(block)}</p>" for block in blocks))
    writer, box, more = fitz.DocumentWriter(str(target)), fitz.paper_rect("a4"), True
    while more:
        device = writer.begin_page(box)
        more, _ = story.place(box + (50, 50, -50, -50))
        story.draw(device)
        writer.end_page()
    writer.close()


def by_libreoffice(all_blocks, folder):
    with tempfile.TemporaryDirectory() as work:
        pages = []
        for name, blocks in all_blocks.items():
            page = pathlib.Path(work, f"{name}-libreoffice.html")
            body = "".join(f"<p align=justify>{html.escape(block)}</p>" for block in blocks)
            page.write_text(f"<meta charset=utf-8><body>{body}</body>")
            pages.append(str(page))
        command = ["soffice", "--headless", f"-env:UserInstallation=file://{work}/profile", "--convert-to", "pdf:writer_web_pdf_Export"]
        subprocess.run([*command, "--outdir", str(folder), *pages], capture_output=True, timeout=600, check=False)


def main():
    texts, folder = (pathlib.Path(name) for name in sys.argv[1:3])
    folder.mkdir(parents=True, exist_ok=True)
    all_blocks = {path.name.split(".")[0]: paragraphs(path.read_text().split("\n", 1)[1]) for path in sorted(texts.glob("*.txt"))}
    for name, blocks in all_blocks.items():
        by_reportlab(blocks, folder / f"{name}-reportlab.pdf", 1)
        by_reportlab(blocks, folder / f"{name}-reportlab2.pdf", 2)
        by_fpdf(blocks, folder / f"{name}-fpdf.pdf")
        by_mupdf(blocks, folder / f"{name}-mupdf.pdf")
    try:
        by_libreoffice(all_blocks, folder)
    except FileNotFoundError:
        print("LibreOffice is not installed: left out")
    for path in folder.glob("*.pdf"):
        path.with_suffix(".txt").write_text("\n\n".join(all_blocks[path.stem.rsplit("-", 1)[0]]))


if __name__ == "__main__":
    main()
