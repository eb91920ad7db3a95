//! Places on a page: points, affine maps and upright rectangles.

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    pub x: f64,
    pub y: f64,
}

impl Point {
    pub fn length(self) -> f64 {
        self.x.hypot(self.y)
    }
}

/// `x' = a·x + c·y + e`, `y' = b·x + d·y + f`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Matrix {
    pub a: f64,
    pub b: f64,
    pub c: f64,
    pub d: f64,
    pub e: f64,
    pub f: f64,
}

impl Matrix {
    pub const ONE: Self = Self { a: 1.0, b: 0.0, c: 0.0, d: 1.0, e: 0.0, f: 0.0 };

    pub fn of([a, b, c, d, e, f]: [f64; 6]) -> Self {
        Self { a, b, c, d, e, f }
    }

    pub fn moved(x: f64, y: f64) -> Self {
        Self { e: x, f: y, ..Self::ONE }
    }

    pub fn scaled(x: f64, y: f64) -> Self {
        Self { a: x, d: y, ..Self::ONE }
    }

    /// A turn by this many degrees against the clock.
    pub fn turned(degrees: f64) -> Self {
        let (sin, cos) = degrees.to_radians().sin_cos();
        Self { a: cos, b: sin, c: -sin, d: cos, e: 0.0, f: 0.0 }
    }

    /// First this map, then `next`.
    pub fn then(self, next: Self) -> Self {
        Self {
            a: self.a * next.a + self.b * next.c,
            b: self.a * next.b + self.b * next.d,
            c: self.c * next.a + self.d * next.c,
            d: self.c * next.b + self.d * next.d,
            e: self.e * next.a + self.f * next.c + next.e,
            f: self.e * next.b + self.f * next.d + next.f,
        }
    }

    pub fn point(self, x: f64, y: f64) -> Point {
        Point { x: self.a * x + self.c * y + self.e, y: self.b * x + self.d * y + self.f }
    }

    /// A direction, which no shift changes.
    pub fn vector(self, x: f64, y: f64) -> Point {
        Point { x: self.a * x + self.c * y, y: self.b * x + self.d * y }
    }

    /// The smallest upright rectangle around the image of `rect`.
    pub fn around(self, rect: Rect) -> Rect {
        let corners = [(rect.x0, rect.y0), (rect.x0, rect.y1), (rect.x1, rect.y0), (rect.x1, rect.y1)];
        Rect::of_points(corners.into_iter().map(|(x, y)| self.point(x, y)))
    }

    /// Whether upright rectangles stay upright.
    pub fn keeps_upright(self) -> bool {
        let small = 1e-6 * (self.a.abs() + self.b.abs() + self.c.abs() + self.d.abs());
        (self.b.abs() <= small && self.c.abs() <= small) || (self.a.abs() <= small && self.d.abs() <= small)
    }

    pub fn is_finite(self) -> bool {
        [self.a, self.b, self.c, self.d, self.e, self.f].iter().all(|n| n.is_finite() && n.abs() < 1e12)
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rect {
    pub x0: f64,
    pub y0: f64,
    pub x1: f64,
    pub y1: f64,
}

impl Rect {
    pub const EVERYWHERE: Self = Self { x0: f64::MIN, y0: f64::MIN, x1: f64::MAX, y1: f64::MAX };
    pub const UNIT: Self = Self { x0: 0.0, y0: 0.0, x1: 1.0, y1: 1.0 };

    pub fn of([x0, y0, x1, y1]: [f64; 4]) -> Self {
        Self { x0: x0.min(x1), y0: y0.min(y1), x1: x0.max(x1), y1: y0.max(y1) }
    }

    pub fn of_points(points: impl IntoIterator<Item = Point>) -> Self {
        let none = Self { x0: f64::MAX, y0: f64::MAX, x1: f64::MIN, y1: f64::MIN };
        points.into_iter().fold(none, |r, p| Self {
            x0: r.x0.min(p.x),
            y0: r.y0.min(p.y),
            x1: r.x1.max(p.x),
            y1: r.y1.max(p.y),
        })
    }

    pub fn and(self, other: Self) -> Self {
        Self {
            x0: self.x0.max(other.x0),
            y0: self.y0.max(other.y0),
            x1: self.x1.min(other.x1),
            y1: self.y1.min(other.y1),
        }
    }

    pub fn holds(self, p: Point, slack: f64) -> bool {
        p.x >= self.x0 - slack && p.x <= self.x1 + slack && p.y >= self.y0 - slack && p.y <= self.y1 + slack
    }

    pub fn width(self) -> f64 {
        (self.x1 - self.x0).max(0.0)
    }

    pub fn height(self) -> f64 {
        (self.y1 - self.y0).max(0.0)
    }

    pub fn area(self) -> f64 {
        self.width() * self.height()
    }
}
