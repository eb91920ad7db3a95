//! Recognition of text in pictures, by the programs of the system where they are installed.

use std::path::Path;
use std::process::Command;

use lopdf::content::{Content, Operation};
use lopdf::{Document, Object, Stream, dictionary};

use crate::common::{Site, program, ran};

const RULES: &str = "viewers: [\"group:hr#member\"]\n";

/// Whether the programs are there; says so where they are not.
fn is_installed() -> bool {
    let is_there = |name: &str| Path::new("/usr/bin").join(name).is_file();
    let all = is_there("tesseract") && is_there("pdftoppm");
    if !all {
        usher_support::skipped("tesseract", "tesseract-ocr and poppler-utils are not installed");
    }
    all
}

/// Pages with a text that is text.
fn written(pages: &[&str]) -> Vec<u8> {
    made(pages.iter().map(|text| (Some(*text), None)).collect())
}

type Picture = (i64, i64, Vec<u8>);

fn made(pages: Vec<(Option<&str>, Option<Picture>)>) -> Vec<u8> {
    let mut doc = Document::with_version("1.5");
    let tree = doc.new_object_id();
    let font = doc.add_object(dictionary! { "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Helvetica" });
    let mut kids: Vec<Object> = Vec::new();
    for (text, picture) in pages {
        let mut operations = Vec::new();
        let mut resources = dictionary! { "Font" => dictionary! { "F1" => font } };
        if let Some(text) = text {
            operations.extend([
                Operation::new("BT", vec![]),
                Operation::new("Tf", vec!["F1".into(), 24.into()]),
                Operation::new("Td", vec![60.into(), 700.into()]),
                Operation::new("Tj", vec![Object::string_literal(text)]),
                Operation::new("ET", vec![]),
            ]);
        }
        if let Some((width, height, grey)) = picture {
            let shown = Stream::new(
                dictionary! { "Type" => "XObject", "Subtype" => "Image", "Width" => width, "Height" => height,
                "ColorSpace" => "DeviceGray", "BitsPerComponent" => 8 },
                grey,
            );
            let id = doc.add_object(shown);
            resources.set("XObject", dictionary! { "Im1" => id });
            operations.extend([
                Operation::new("q", vec![]),
                Operation::new("cm", [612, 0, 0, 792, 0, 0].into_iter().map(Object::from).collect()),
                Operation::new("Do", vec!["Im1".into()]),
                Operation::new("Q", vec![]),
            ]);
        }
        let content = doc.add_object(Stream::new(dictionary! {}, Content { operations }.encode().unwrap()));
        let page = dictionary! { "Type" => "Page", "Parent" => tree, "Contents" => content, "Resources" => resources };
        kids.push(doc.add_object(page).into());
    }
    let count = kids.len() as i64;
    let media: Vec<Object> = [0, 0, 612, 792].into_iter().map(Object::from).collect();
    doc.objects
        .insert(tree, dictionary! { "Type" => "Pages", "Kids" => kids, "Count" => count, "MediaBox" => media }.into());
    let root = doc.add_object(dictionary! { "Type" => "Catalog", "Pages" => tree });
    doc.trailer.set("Root", root);
    let mut out = Vec::new();
    doc.save_to(&mut out).unwrap();
    out
}

/// The picture of a page with this text, as grey values.
fn drawn(site: &Site, text: &str) -> Picture {
    std::fs::write(site.path("drawn.pdf"), written(&[text])).unwrap();
    let out = Command::new("/usr/bin/pdftoppm")
        .args(["-q", "-gray", "-r", "150"])
        .arg(site.path("drawn.pdf"))
        .output()
        .unwrap();
    // The head of a PGM is three lines.
    let mut parts = out.stdout.splitn(4, |b| *b == b'\n');
    let (_, size, _) = (parts.next(), parts.next().unwrap(), parts.next());
    let size: Vec<i64> = std::str::from_utf8(size).unwrap().split(' ').map(|n| n.parse().unwrap()).collect();
    (size[0], size[1], parts.next().unwrap().to_vec())
}

#[test]
fn pages_that_are_pictures_are_recognised() {
    if !is_installed() {
        return;
    }
    let site = Site::new(&[("_.acl.yaml", RULES)]);
    let picture = drawn(&site, "Harvest of barley");
    let scan = made(vec![(Some("Printed before"), None), (None, Some(picture.clone())), (Some("Printed after"), None)]);
    site.write("scan.pdf", &scan);
    site.write("only.pdf", made(vec![(None, Some(picture))]));
    let png = Command::new("/usr/bin/pdftoppm")
        .args(["-q", "-png", "-r", "150"])
        .arg(site.path("drawn.pdf"))
        .output()
        .unwrap();
    site.write("photo.png", &png.stdout);
    let ran = site.folder(&[]).expect(0).says("3 created");
    let ran = ran.says("recognised in pictures (eng): 3 pages of 3 documents").says("3 recognised pages");
    drop(ran);
    {
        let world = site.stub.world();
        let doc = &world.documents["s/scan.pdf"];
        assert_eq!(doc.content.text, "Printed before\n\nHarvest of barley\n\nPrinted after");
        let chunks = doc.chunks.as_ref().unwrap();
        assert_eq!(chunks.iter().map(|chunk| chunk.page).collect::<Vec<_>>(), [Some(1), Some(2), Some(3)]);
        assert_eq!(world.documents["s/only.pdf"].content.text, "Harvest of barley");
        let doc = &world.documents["s/photo.png"];
        assert_eq!((doc.content.text.as_str(), doc.content.media_type.as_str()), ("Harvest of barley", "image/png"));
    }
    // A picture of nothing is looked at once: the second run takes the first one's word.
    let blank = made(vec![(None, Some((40, 40, vec![255; 1_600])))]);
    site.write("blank.pdf", &blank);
    site.folder(&[]).expect(0).says("in which no text is recognised");
    let state = std::fs::read_dir(site.path("state/usher-ingest")).unwrap();
    let state =
        state.map(|found| found.unwrap().path()).find(|path| path.extension().is_some_and(|e| e == "json")).unwrap();
    let name = |bytes: &[u8]| blake3::hash(bytes).to_hex()[..32].to_owned();
    let known = std::fs::read_to_string(&state).unwrap();
    assert!(known.contains(&format!("\"{} eng\"", name(&blank))), "{known}");
    let full = made(vec![(Some(" "), Some(drawn(&site, "Sowing of oats")))]);
    site.write("blank.pdf", &full);
    std::fs::write(&state, known.replace(&name(&blank), &name(&full))).unwrap();
    site.folder(&[]).expect(0).says("in which no text is recognised");
    site.folder(&["--ocr", "never"]).expect(0);
    site.folder(&[]).expect(0).says("1 created");
    std::fs::remove_file(site.doc("blank.pdf")).unwrap();
    site.folder(&["--delete-missing", "--yes"]).expect(0).says("1 deleted");
    // Nothing is read again, and what is not to be recognised is told.
    site.folder(&[]).expect(0).says("3 unchanged");
    let ran = site.folder(&["--ocr", "never", "--delete-missing", "--yes"]).expect(0);
    let ran = ran.says("1 updated").says("pictures that are not recognised: 3 pages of 3 documents (--ocr never)");
    drop(ran.says("2 deleted"));
    assert_eq!(site.stub.world().documents["s/scan.pdf"].content.text, "Printed before\n\nPrinted after");
    // Documents would lose what was recognised in a language that is not there.
    site.folder(&["--ocr-languages", "eng+xyz"])
        .expect(1)
        .says("tesseract has no language `xyz` (Debian: tesseract-ocr-xyz)");
    for bad in ["--help", "eng+", "../x", ""] {
        site.folder(&["--ocr-languages", bad]).expect(1);
    }
}

/// Spans of a rule file count in the text of the file, which another release of a program must not move.
#[test]
fn nothing_is_recognised_in_a_file_with_restricted_parts() {
    if !is_installed() {
        return;
    }
    let site = Site::new(&[("_.acl.yaml", RULES)]);
    let picture = drawn(&site, "Harvest of barley");
    site.write("scan.pdf", made(vec![(None, Some(picture)), (Some("Printed after"), None)]));
    site.write("scan.pdf.acl.yaml", "sections: [{span: {start: 0, end: 7}, acl: {nobody: true}}]\n");
    site.folder(&[]).expect(0).says("1 pages of 1 documents");
    assert_eq!(site.stub.world().documents["s/scan.pdf"].content.text, "Printed after");
}

#[test]
fn the_programs_reach_no_file_no_socket_and_no_process() {
    let tool = |arguments: &[&str]| ran(&program().arg("tool-worker").args(arguments).env_clear().output().unwrap());
    if tool(&["/usr/bin/true"]).code == 3 {
        return usher_support::skipped("landlock", "programs that recognise text run where landlock and seccomp work");
    }
    assert_eq!(tool(&["/usr/bin/true"]).code, 0);
    let hidden = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(hidden.path(), "secret").unwrap();
    for arguments in [
        vec!["/usr/bin/cat", "/etc/passwd"],
        vec!["/usr/bin/cat", hidden.path().to_str().unwrap()],
        vec!["/usr/bin/cat", "/proc/self/environ"],
        vec!["/usr/bin/touch", "/tmp/usher-tool-made-this"],
        vec!["/usr/bin/env", "sh", "-c", "true & wait $! && exit 0 || exit 1"],
        vec!["/usr/bin/env", "bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/1 || exec 3<>/dev/udp/127.0.0.1/1"],
        vec!["/usr/bin/env", "sh", "-c", "kill -0 $PPID"],
        vec!["/usr/bin/env", "sh", "-c", "echo more >&2; echo x >/dev/shm/usher-tool-made-this"],
    ] {
        let ended = tool(&arguments);
        assert_ne!(ended.code, 0, "{arguments:?}: {}", ended.out);
        assert!(!ended.out.contains("root:") && !ended.out.contains("secret"), "{arguments:?}");
    }
    assert!(!Path::new("/tmp/usher-tool-made-this").exists());
    // Memory and time have their ends.
    let limits = tool(&["/usr/bin/env", "sh", "-c", "ulimit -v; ulimit -t; ulimit -n; ulimit -f"]).out;
    assert_eq!(limits.split_whitespace().collect::<Vec<_>>(), ["2097152", "60", "64", "0"]);
}
