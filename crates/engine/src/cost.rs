//! What a trade would cost: one file per model.

pub mod walk;
