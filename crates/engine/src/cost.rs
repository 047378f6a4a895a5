//! What a trade would cost: one file per model.

pub mod almgren_2005;
pub mod almgren_chriss;
pub mod calibrate;
pub mod estimate;
pub mod fees;
pub mod maker;
pub mod obizhaeva_wang;
mod parameter;
mod regress;
pub mod route;
pub mod square_root;
pub mod walk;

pub use parameter::{LARGEST, Refusal, SLICES_MAX};
