//! State of charge of a VM-98 pack, as the energy computer of Gannet and Petrel estimates it.
//!
//! Counting ampere-hours drifts, and voltage alone says little between 30 and 80 per cent, where the curve of these cells
//! is almost flat. So both are used: coulombs all the time, voltage only when it means something, that is at rest and
//! outside the flat part. The errors of two winters are the reason for every constant below.

/// Usable capacity of a new pack in ampere-hours: 98 kWh at 729 V nominal.
const CAPACITY_NEW_AH: f64 = 134.4;

/// Current sensor offset drifts up to this many amperes between calibrations.
const SENSOR_DRIFT_A: f64 = 0.35;

/// After this many seconds without current, terminal voltage is close enough to open-circuit voltage. Cold cells relax
/// slowly: at 0 degrees it takes about three times as long.
const REST_SECONDS: f64 = 900.0;

/// Open-circuit voltage of one cell against state of charge, measured by the lab in April 2026 on cells of lot 31.
const OCV: [(f64, f64); 11] = [
    (0.00, 2.95), (0.05, 3.18), (0.10, 3.31), (0.20, 3.46), (0.30, 3.55), (0.40, 3.59),
    (0.60, 3.64), (0.80, 3.72), (0.90, 3.88), (0.95, 3.99), (1.00, 4.15),
];

#[derive(Debug, Clone, Copy)]
pub struct Estimate {
    /// 0 to 1.
    pub soc: f64,
    /// One standard deviation.
    pub uncertainty: f64,
    resting: f64,
}

impl Estimate {
    /// After a restart nothing is known but what the last log said; the uncertainty says so.
    pub fn from_log(soc: f64, hours_off: f64) -> Self {
        let aged = 0.01 + 0.0004 * hours_off;
        Estimate { soc: soc.clamp(0.0, 1.0), uncertainty: aged.min(0.2), resting: 0.0 }
    }

    /// One step. `current` is positive while charging; `health` is capacity relative to new.
    pub fn step(&mut self, current: f64, cell_voltage: f64, celsius: f64, health: f64, seconds: f64) {
        let capacity = CAPACITY_NEW_AH * health.clamp(0.5, 1.05);
        self.soc += current * seconds / 3600.0 / capacity;
        self.uncertainty += SENSOR_DRIFT_A * seconds / 3600.0 / capacity;

        let needed = if celsius < 5.0 { REST_SECONDS * 3.0 } else { REST_SECONDS };
        self.resting = if current.abs() < 1.0 { self.resting + seconds } else { 0.0 };
        if self.resting >= needed {
            self.correct(cell_voltage);
        }
        self.soc = self.soc.clamp(0.0, 1.0);
        self.uncertainty = self.uncertainty.min(0.25);
    }

    /// Pulls the estimate towards what the voltage says, as far as the slope of the curve lets it say anything.
    fn correct(&mut self, cell_voltage: f64) {
        let (from_voltage, slope) = lookup(cell_voltage);
        // 8 mV of measurement error, through the slope, is an error in charge. In the flat part that is 0.08 and more,
        // which is why G-04 showed 61 per cent on the morning when it held 49.
        let doubt = 0.008 / slope;
        let weight = self.uncertainty.powi(2) / (self.uncertainty.powi(2) + doubt.powi(2));
        self.soc += weight * (from_voltage - self.soc);
        self.uncertainty *= (1.0 - weight).sqrt();
    }

    /// What the bridge is shown: the lower edge of what is likely. Masters plan with it, so it may not flatter.
    pub fn shown(&self) -> f64 {
        (self.soc - 1.3 * self.uncertainty).max(0.0)
    }
}

/// State of charge for a voltage, and the slope of the curve there in volts per unit of charge.
fn lookup(voltage: f64) -> (f64, f64) {
    for pair in OCV.windows(2) {
        let ((s0, v0), (s1, v1)) = (pair[0], pair[1]);
        if voltage <= v1 {
            let slope = (v1 - v0) / (s1 - s0);
            return ((s0 + (voltage - v0) / slope).clamp(0.0, 1.0), slope);
        }
    }
    (1.0, 3.2)
}
