//! Grafana's documents, as far as they are used here: its v1 JSON, which versions 11 to 13 read.

mod dashboard;
mod layout;
mod panel;
mod style;
mod target;
mod variable;

pub use dashboard::Dashboard;
pub(crate) use panel::Panel;
pub(crate) use style::{Level, Mapping, Unit};
pub(crate) use target::Target;
pub(crate) use variable::Variable;
