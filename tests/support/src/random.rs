/// A small deterministic generator (SplitMix64, Steele, Lea and Flood 2014): one seed, everything else follows.
#[derive(Debug, Clone)]
pub struct Random(u64);

/// A whole number that [`Random::below`] draws.
pub trait Whole: Copy {
    /// `draw` brought below `self`, from 0.
    #[must_use]
    fn bring_below(self, draw: u64) -> Self;
}

macro_rules! whole {
    ($($number:ty),*) => {$(
        impl Whole for $number {
            fn bring_below(self, draw: u64) -> Self {
                (draw % (self as u64).max(1)) as Self
            }
        }
    )*};
}

whole!(i32, u32, u64, usize);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    #[allow(clippy::should_implement_trait, reason = "it never ends")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let word = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// 0 to `end` - 1; 0 where `end` is 0.
    pub fn below<W: Whole>(&mut self, end: W) -> W {
        end.bring_below(self.next())
    }

    /// True so many times of a hundred.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100u64) < percent
    }

    /// True one time in `of`.
    pub fn one_in(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }

    /// From 0 to 1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Roughly normal, deviation 1: the sum of four uniform numbers from one draw.
    pub fn normal(&mut self) -> f32 {
        let bits = self.next();
        let sum: u64 = (0..4).map(|part| bits >> (part * 16) & 0xffff).sum();
        (sum as f32 / 65_536.0 - 2.0) * 1.732
    }

    /// One of `from`, which must not be empty.
    pub fn one_of<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        self.pick(from).expect("there is one")
    }

    /// One of `from`; nothing where there is none.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }
}
