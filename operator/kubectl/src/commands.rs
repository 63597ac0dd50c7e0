//! The commands, one file each: fetch, work out, say.

mod backup;
mod explain;
mod logs;
mod pause;
mod rotate_keys;
mod status;
mod suspend;
mod tree;

use std::io::Write;

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    args::{Cli, Command, Form},
    connect::connect,
    error::Error,
    paint::Paint,
    seen::Seen,
};

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It was done, or the Store is Ready.
    Well,
    /// The Store was asked for, and is not Ready.
    NotReady,
}

/// Does what was asked for, and writes what there is to say.
pub async fn run(cli: Cli, paint: Paint, out: &mut (impl Write + ?Sized)) -> Result<Answer, Error> {
    let Cli { target, command } = cli;
    if let Command::Explain { reason, shown } = &command {
        return explain::explain(reason.as_deref(), shown.output, paint, out);
    }
    let shops = Box::pin(connect(&target)).await?;
    let now = Timestamp::now();
    match command {
        Command::Status { store, shown } => {
            let store = shops.store(store.as_ref()).await?;
            return status::status(&store, shown.output, paint, now, out);
        }
        Command::Tree { store, all, shown } => {
            let store = shops.store(store.as_ref()).await?;
            tree::tree(&shops, store, all, shown.output, (paint, now), out).await?;
        }
        Command::Pause { store } => pause::set(&shops, &store, true, out).await?,
        Command::Resume { store } => pause::set(&shops, &store, false, out).await?,
        Command::Suspend { store } => suspend::set(&shops, &store, true, out).await?,
        Command::Wake { store } => suspend::set(&shops, &store, false, out).await?,
        Command::Backup { store } => backup::backup(&shops, &store, out).await?,
        Command::RotateKeys { store, now: at_once } => {
            rotate_keys::rotate(&shops, &store, at_once, now, out).await?;
        }
        Command::Logs(wanted) => logs::logs(&shops, &wanted, out).await?,
        // Said before, as it needs no cluster.
        Command::Explain { .. } => {}
    }
    Ok(Answer::Well)
}

/// Text as it is, or the value as JSON.
fn show(
    form: Form,
    value: &impl Serialize,
    text: impl FnOnce() -> String,
    out: &mut (impl Write + ?Sized),
) -> Result<(), Error> {
    match form {
        Form::Text => out.write_all(text().as_bytes())?,
        Form::Json => {
            let json = serde_json::to_string_pretty(value)?;
            writeln!(out, "{json}")?;
        }
    }
    Ok(())
}

/// What is said after a change that the operator does not see as long as the Store is paused.
fn waits(store: &Seen) -> String {
    if store.is_paused() {
        let name = store.name();
        format!("It is paused, so nothing happens until `kubectl shopkeeper resume {name}`.\n")
    } else {
        String::new()
    }
}
