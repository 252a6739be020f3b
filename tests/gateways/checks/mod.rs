//! What every gateway must do, whichever it is.

pub mod closing;
pub mod identity;
pub mod origins;
pub mod passing;
pub mod refusing;
