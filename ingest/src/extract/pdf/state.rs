//! The graphics state of a content stream, as far as text depends on it.

use std::rc::Rc;

use super::font::Font;
use super::geometry::{Matrix, Rect};

/// Red, green and blue from 0 to 1; `None`: a pattern, or a space that is not understood.
pub type Color = Option<[f64; 3]>;

pub const BLACK: Color = Some([0.0; 3]);
pub const WHITE: Color = Some([1.0; 3]);

#[derive(Debug, Clone)]
pub struct State {
    pub ctm: Matrix,
    pub clip: Rect,
    pub fill: Color,
    pub stroke: Color,
    /// Components that a colour of the present space has; 0 where the space is not understood.
    pub fill_space: Space,
    pub stroke_space: Space,
    pub fill_alpha: f64,
    pub stroke_alpha: f64,
    /// What is painted covers what lies below.
    pub plain: bool,
    pub font: Option<Rc<Font>>,
    pub size: f64,
    pub char_space: f64,
    pub word_space: f64,
    pub stretch: f64,
    pub leading: f64,
    pub rise: f64,
    pub mode: u8,
}

impl State {
    pub fn new(ctm: Matrix) -> Self {
        Self {
            ctm,
            clip: Rect::EVERYWHERE,
            fill: BLACK,
            stroke: BLACK,
            fill_space: Space::Device,
            stroke_space: Space::Device,
            fill_alpha: 1.0,
            stroke_alpha: 1.0,
            plain: true,
            font: None,
            size: 0.0,
            char_space: 0.0,
            word_space: 0.0,
            stretch: 1.0,
            leading: 0.0,
            rise: 0.0,
            mode: 0,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Space {
    /// Gray, red-green-blue or cyan-magenta-yellow-black, by the number of components.
    Device,
    /// A tint of one ink or several: 0 is no ink.
    Tint,
    Unknown,
}

/// The colour that the operands of an operator mean.
pub fn color(space: Space, operands: &[f64]) -> Color {
    let unit = |n: f64| n.clamp(0.0, 1.0);
    match (space, operands) {
        (Space::Device, [gray]) => Some([unit(*gray); 3]),
        (Space::Device, [r, g, b]) => Some([unit(*r), unit(*g), unit(*b)]),
        (Space::Device, [c, m, y, k]) => Some([c, m, y].map(|ink| (1.0 - unit(*ink)) * (1.0 - unit(*k)))),
        (Space::Tint, inks) if !inks.is_empty() && inks.iter().all(|ink| *ink <= 0.0) => WHITE,
        _ => None,
    }
}

/// Colours that nobody tells apart.
pub fn alike(a: Color, b: Color) -> bool {
    let (Some(a), Some(b)) = (a, b) else { return false };
    a.iter().zip(b).all(|(a, b)| (a - b).abs() < 0.04)
}
