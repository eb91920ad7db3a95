//! Runs a content stream and notes the glyphs that it shows: on the page, in the forms that it draws, in annotations.

use std::collections::HashMap;
use std::rc::Rc;

use lopdf::{Dictionary, Object, ObjectId};

use super::super::ExtractError;
use super::encoding::{Names, meant};
use super::file::{File, as_dict};
use super::font::Font;
use super::geometry::{Matrix, Point, Rect};
use super::lexer::{Lexer, Token};
use super::page::Page;
use super::path::Path;
use super::state::{Space, State, color};

mod text;

/// Operators of one document: a map or a drawing of a page has up to a million.
const MAX_OPERATORS: u64 = 30_000_000;
/// Forms inside forms, and saved states.
const MAX_FORMS: usize = 32;
/// Forms that a document draws, those inside forms included.
const MAX_DRAWN: u64 = 100_000;
const MAX_STATES: usize = 512;
const MAX_OPERANDS: usize = 4_096;
const MAX_MARKS: usize = 4_096;
const MAX_FONTS: usize = 20_000;

/// What lasts for the whole document.
#[derive(Debug)]
pub struct Engine<'a> {
    pub file: &'a File,
    names: Names,
    fonts: HashMap<ObjectId, Rc<Font>>,
    operators: u64,
    drawn: u64,
    pub compared: u64,
    /// Forms that show text.
    pub forms: u64,
    /// Alternative texts that say more than what is shown.
    pub replaced: u64,
}

/// What `BDC` opened.
#[derive(Debug, Default)]
struct Mark {
    hidden: bool,
    actual: Option<Actual>,
}

/// Text that its author gave for what is shown.
#[derive(Debug)]
struct Actual {
    text: String,
    /// Where its glyphs begin.
    first: usize,
    codes: u64,
    unmapped: u64,
}

/// One run of a stream: its resources, its own stack of states.
struct Run<'r, 'a> {
    engine: &'r mut Engine<'a>,
    page: &'r mut Page,
    resources: &'r [&'a Dictionary],
    stack: Vec<State>,
    state: State,
    line: Matrix,
    text: Matrix,
    path: Path,
    marks: Vec<Mark>,
    forms: &'r [ObjectId],
    hidden: bool,
    /// Fonts by their names here.
    local: HashMap<Vec<u8>, Rc<Font>>,
}

impl<'a> Engine<'a> {
    pub fn new(file: &'a File) -> Self {
        Self {
            file,
            names: Names::new(),
            fonts: HashMap::new(),
            operators: 0,
            drawn: 0,
            compared: 0,
            forms: 0,
            replaced: 0,
        }
    }

    /// Whether one of the amounts is used up that all pages share.
    pub fn is_spent(&self) -> bool {
        self.operators > MAX_OPERATORS || self.drawn > MAX_DRAWN || self.file.is_spent()
    }

    /// Runs the content of a page; what stands on it is measured in points of the page.
    pub fn run(
        &mut self,
        content: &[u8],
        resources: &'a Dictionary,
        page: &mut Page,
        base: Matrix,
    ) -> Result<(), ExtractError> {
        self.start(content, &[resources], page, State::new(base), &[], false)
    }

    /// Draws a form, which may draw others.
    pub fn form(&mut self, form: Form<'_, 'a>, page: &mut Page, mut state: State) -> Result<(), ExtractError> {
        let Object::Stream(stream) = form.object else { return Ok(()) };
        if form.above.len() >= MAX_FORMS {
            return Err(ExtractError::Limit(format!("forms nested deeper than {MAX_FORMS}")));
        }
        self.drawn = self.drawn.saturating_add(1);
        if self.drawn > MAX_DRAWN {
            return Err(ExtractError::Limit(format!("more than {MAX_DRAWN} forms drawn")));
        }
        // A form that draws itself shows nothing more.
        if form.id.is_some_and(|id| form.above.contains(&id)) {
            return Ok(());
        }
        let matrix = self.file.matrix(&stream.dict, b"Matrix").unwrap_or(Matrix::ONE);
        state.ctm = matrix.then(state.ctm);
        if let Some(bounds) = self.file.rect(&stream.dict, b"BBox") {
            state.clip = state.clip.and(state.ctm.around(bounds));
        }
        let own = self.file.dict(&stream.dict, b"Resources");
        let resources: Vec<&'a Dictionary> =
            own.into_iter().chain(form.resources.iter().copied()).take(MAX_FORMS).collect();
        let hidden = form.hidden || stream.dict.get(b"OC").is_ok_and(|layer| self.file.is_off(layer));
        let mut above = form.above.to_vec();
        above.extend(form.id);
        let content = match self.file.bytes(stream) {
            Ok(content) => content,
            Err(ExtractError::Broken(_)) => {
                page.broken = page.broken.saturating_add(1);
                return Ok(());
            }
            Err(e) => return Err(e),
        };
        let before = page.glyphs.len();
        self.start(&content, &resources, page, state, &above, hidden)?;
        self.forms = self.forms.saturating_add(u64::from(page.glyphs.len() > before));
        Ok(())
    }

    fn start(
        &mut self,
        content: &[u8],
        resources: &[&'a Dictionary],
        page: &mut Page,
        state: State,
        forms: &[ObjectId],
        hidden: bool,
    ) -> Result<(), ExtractError> {
        let mut run = Run {
            engine: self,
            page,
            resources,
            stack: Vec::new(),
            state,
            line: Matrix::ONE,
            text: Matrix::ONE,
            path: Path::default(),
            marks: Vec::new(),
            forms,
            hidden,
            local: HashMap::new(),
        };
        run.program(content)
    }

    fn font(&mut self, object: &'a Object) -> Result<Rc<Font>, ExtractError> {
        let id = object.as_reference().ok();
        if let Some(font) = id.and_then(|id| self.fonts.get(&id)) {
            return Ok(Rc::clone(font));
        }
        let font = match self.file.follow(object).and_then(as_dict) {
            Some(dict) => Font::read(self.file, &self.names, dict)?,
            None => Font::unknown(),
        };
        let font = Rc::new(font);
        if let Some(id) = id.filter(|_| self.fonts.len() < MAX_FONTS) {
            self.fonts.insert(id, Rc::clone(&font));
        }
        Ok(font)
    }
}

/// A form and where it is drawn from.
pub struct Form<'r, 'a> {
    pub object: &'a Object,
    pub id: Option<ObjectId>,
    pub resources: &'r [&'a Dictionary],
    /// The forms that it is drawn by.
    pub above: &'r [ObjectId],
    pub hidden: bool,
}

impl<'a> Run<'_, 'a> {
    fn program(&mut self, content: &[u8]) -> Result<(), ExtractError> {
        let mut operands: Vec<Token<'_>> = Vec::new();
        for token in Lexer::new(content) {
            match token {
                Token::Word(word) => {
                    self.engine.operators = self.engine.operators.saturating_add(1);
                    if self.engine.operators > MAX_OPERATORS {
                        return Err(ExtractError::Limit(format!("more than {MAX_OPERATORS} drawing operators")));
                    }
                    self.operator(word, &operands)?;
                    operands.clear();
                }
                Token::Image => {
                    self.page.image(self.state.ctm.around(Rect::UNIT).and(self.state.clip), false);
                    operands.clear();
                }
                operand if operands.len() < MAX_OPERANDS => operands.push(operand),
                _ => {}
            }
        }
        while !self.marks.is_empty() {
            self.close_mark();
        }
        Ok(())
    }

    fn operator(&mut self, word: &[u8], operands: &[Token<'_>]) -> Result<(), ExtractError> {
        let numbers: Vec<f64> = operands.iter().take(32).filter_map(Token::number).collect();
        match (word, numbers.as_slice()) {
            (b"q", _) if self.stack.len() < MAX_STATES => self.stack.push(self.state.clone()),
            (b"Q", _) => {
                if let Some(saved) = self.stack.pop() {
                    self.state = saved;
                }
            }
            (b"cm", &[a, b, c, d, e, f]) => {
                let ctm = Matrix::of([a, b, c, d, e, f]).then(self.state.ctm);
                if ctm.is_finite() {
                    self.state.ctm = ctm;
                }
            }
            (b"gs", _) => self.parameters(operands),
            (b"Do", _) => self.draw(operands)?,
            (b"sh", _) => self.page.paint(self.state.clip.and(Rect::of([-1e6, -1e6, 1e6, 1e6])), None, false),
            (b"BMC", _) => self.open_mark(None),
            (b"BDC", _) => self.open_mark(operands.last()),
            (b"EMC", _) => self.close_mark(),
            (b"BT", _) => (self.line, self.text) = (Matrix::ONE, Matrix::ONE),
            _ => {
                if !self.color(word, operands, &numbers) && !self.draw_path(word, &numbers) {
                    self.text_operator(word, operands, &numbers)?;
                }
            }
        }
        Ok(())
    }

    /// A resource by kind and name: of the form itself, else of what draws it.
    fn resource(&self, kind: &[u8], name: &[u8]) -> Option<&'a Object> {
        let file = self.engine.file;
        self.resources.iter().find_map(|resources| file.dict(resources, kind)?.get(name).ok())
    }

    fn color(&mut self, word: &[u8], operands: &[Token<'_>], numbers: &[f64]) -> bool {
        let (fill, space, value) = match word {
            b"g" | b"rg" | b"k" => (true, Space::Device, color(Space::Device, numbers)),
            b"G" | b"RG" | b"K" => (false, Space::Device, color(Space::Device, numbers)),
            b"cs" | b"CS" => {
                let space = operands.first().and_then(Token::name).map_or(Space::Unknown, |name| self.space(name));
                // Each space begins with its black, patterns with none.
                let first = if space == Space::Device { super::state::BLACK } else { None };
                (word == b"cs", space, first)
            }
            b"sc" | b"scn" => (true, self.state.fill_space, color(self.state.fill_space, numbers)),
            b"SC" | b"SCN" => (false, self.state.stroke_space, color(self.state.stroke_space, numbers)),
            _ => return false,
        };
        if fill {
            (self.state.fill_space, self.state.fill) = (space, value);
        } else {
            (self.state.stroke_space, self.state.stroke) = (space, value);
        }
        true
    }

    fn space(&self, name: &[u8]) -> Space {
        let file = self.engine.file;
        let kind = match name {
            b"DeviceGray" | b"DeviceRGB" | b"DeviceCMYK" => return Space::Device,
            name => match self.resource(b"ColorSpace", name).and_then(|o| file.follow(o)) {
                Some(Object::Name(kind)) => kind.as_slice(),
                Some(Object::Array(items)) => items.first().and_then(|o| o.as_name().ok()).unwrap_or_default(),
                _ => return Space::Unknown,
            },
        };
        match kind {
            b"DeviceGray" | b"DeviceRGB" | b"DeviceCMYK" | b"CalGray" | b"CalRGB" | b"ICCBased" => Space::Device,
            b"Separation" | b"DeviceN" => Space::Tint,
            _ => Space::Unknown,
        }
    }

    fn parameters(&mut self, operands: &[Token<'_>]) {
        let file = self.engine.file;
        let name = operands.first().and_then(Token::name);
        let found = name.and_then(|name| self.resource(b"ExtGState", name)).and_then(|o| file.follow(o));
        let Some(dict) = found.and_then(as_dict) else { return };
        if let Some(alpha) = file.number(dict, b"ca") {
            self.state.fill_alpha = alpha;
        }
        if let Some(alpha) = file.number(dict, b"CA") {
            self.state.stroke_alpha = alpha;
        }
        if let Some(mode) = file.get(dict, b"BM") {
            let mode = mode.as_array().ok().and_then(|modes| modes.first()).unwrap_or(mode);
            self.state.plain = matches!(mode.as_name(), Ok(b"Normal" | b"Compatible"));
        }
        if let Some(mask) = file.get(dict, b"SMask") {
            self.state.plain &= mask.as_name().is_ok();
        }
        if let Some([font, size]) = file.array(dict, b"Font")
            && let (Ok(font), Some(size)) = (self.engine.font(font), super::file::as_number(size))
        {
            (self.state.font, self.state.size) = (Some(font), size);
        }
    }

    fn draw(&mut self, operands: &[Token<'_>]) -> Result<(), ExtractError> {
        let file = self.engine.file;
        let Some(reference) = operands.first().and_then(Token::name).and_then(|name| self.resource(b"XObject", name))
        else {
            return Ok(());
        };
        let Some(object @ Object::Stream(stream)) = file.follow(reference) else { return Ok(()) };
        if file.name(&stream.dict, b"Subtype") == Some(b"Image") {
            let masked = [&b"SMask"[..], b"Mask", b"ImageMask"].iter().any(|key| stream.dict.has(key));
            let covers = !masked && self.state.plain && self.state.fill_alpha > 0.95 && self.state.ctm.keeps_upright();
            let hidden = self.is_hidden() || stream.dict.get(b"OC").is_ok_and(|layer| file.is_off(layer));
            if !hidden {
                self.page.image(self.state.ctm.around(Rect::UNIT).and(self.state.clip), covers);
            }
            return Ok(());
        }
        let form = Form {
            object,
            id: reference.as_reference().ok(),
            resources: self.resources,
            above: self.forms,
            hidden: self.is_hidden(),
        };
        self.engine.form(form, self.page, self.state.clone())
    }

    fn is_hidden(&self) -> bool {
        self.hidden || self.marks.iter().any(|mark| mark.hidden)
    }

    fn open_mark(&mut self, properties: Option<&Token<'_>>) {
        if self.marks.len() >= MAX_MARKS {
            return;
        }
        let file = self.engine.file;
        let mut mark = Mark::default();
        let mut actual = None;
        match properties {
            Some(Token::Name(name)) => {
                if let Some(object) = self.resource(b"Properties", name) {
                    mark.hidden = file.is_off(object);
                    actual = file.follow(object).and_then(as_dict).and_then(|dict| file.words(dict, b"ActualText"));
                }
            }
            Some(Token::Dict(items)) => {
                let text = items.iter().find(|(key, _)| key == b"ActualText").and_then(|(_, value)| value.text());
                let text = text.map(|t| Object::String(t.to_vec(), lopdf::StringFormat::Literal));
                actual = text.and_then(|text| lopdf::decode_text_string(&text).ok());
            }
            _ => {}
        }
        // What is inside of one is said by the outer.
        let is_outer = self.marks.iter().all(|mark| mark.actual.is_none());
        mark.actual = actual.filter(|_| is_outer).map(|text| Actual {
            text,
            first: self.page.glyphs.len(),
            codes: self.page.codes,
            unmapped: self.page.unmapped,
        });
        self.marks.push(mark);
    }

    /// Alternative text counts as far as it can stand for what is shown: a ligature, a word in a font without a table.
    fn close_mark(&mut self) {
        let Some(actual) = self.marks.pop().and_then(|mark| mark.actual) else { return };
        let shown = self.page.codes.saturating_sub(actual.codes);
        let Some(glyphs) = self.page.glyphs.get_mut(actual.first..) else { return };
        let says: String = actual.text.chars().filter(|c| *c != '\u{ad}' && *c != '\u{200b}').collect();
        let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).count() as u64;
        let own: String = glyphs.iter().map(|glyph| &*glyph.text).collect();
        let is_same = own.chars().filter(|c| !c.is_whitespace()).eq(says.chars().filter(|c| !c.is_whitespace()));
        if is_same || shown == 0 {
            return;
        }
        if letters(&says) > shown.saturating_mul(3).saturating_add(1) {
            self.engine.replaced = self.engine.replaced.saturating_add(1);
            return;
        }
        self.page.unmapped = actual.unmapped;
        let Some(says) = meant(&says) else {
            // Nothing is meant to be read here: a hyphen at the end of a line, an ornament.
            if says.is_empty() && letters(&own) <= 2 {
                glyphs.iter_mut().for_each(|glyph| glyph.text = Rc::from(""));
            }
            return;
        };
        let end = glyphs.last().map(|last| Point { x: last.at.x + last.advance.x, y: last.at.y + last.advance.y });
        if let (Some(end), Some((first, rest))) = (end, glyphs.split_first_mut()) {
            first.advance = Point { x: end.x - first.at.x, y: end.y - first.at.y };
            first.text = says.into();
            rest.iter_mut().for_each(|glyph| glyph.text = Rc::from(""));
        }
    }
}
