//! `status`: how a Store is.

use std::io::Write;

use jiff::Timestamp;

use super::{Answer, show};
use crate::{
    args::Form,
    error::Error,
    paint::Paint,
    picture::{Picture, text},
    seen::Seen,
};

pub(super) fn status(
    store: &Seen,
    form: Form,
    paint: Paint,
    now: Timestamp,
    out: &mut (impl Write + ?Sized),
) -> Result<Answer, Error> {
    let picture = Picture::of(store)?;
    show(form, &picture, || text(&picture, paint, now), out)?;
    Ok(if picture.is_ready() { Answer::Well } else { Answer::NotReady })
}
