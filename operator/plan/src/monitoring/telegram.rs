//! How an alert looks in a chat.
//!
//! Telegram knows few tags and refuses a message with any other, and Alertmanager cuts off what is too long: so every value is escaped, the first
//! of a group are told in full, others by name, and no more than fit.

/// Name of the template of a message.
pub(super) const NAME: &str = "shop.telegram";

/// The templates.
pub(super) const TEMPLATE: &str = include_str!("telegram.tmpl");
