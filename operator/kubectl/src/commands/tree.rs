//! `tree`: all that belongs to a Store.

use std::io::Write;

use jiff::Timestamp;
use serde::Serialize;

use super::show;
use crate::{
    args::Form,
    error::Error,
    fetch::{Children, Object, Shops},
    paint::Paint,
    seen::Seen,
    tree::{Former, Node, Tree, text},
};

/// What programs are told.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    #[serde(flatten)]
    root: &'a Node,
    /// Kinds that are missing, as the user may not list them.
    not_listed: &'a [String],
}

pub(super) async fn tree(
    shops: &Shops,
    store: Seen,
    all: bool,
    form: Form,
    (paint, now): (Paint, Timestamp),
    out: &mut (impl Write + ?Sized),
) -> Result<(), Error> {
    let Children { objects, forbidden } = shops.children(&store).await?;
    let former = if all { Former::Shown } else { Former::LeftOut };
    let tree = Tree::of(&Object::from(store), &objects, former);
    let told = Told { root: &tree.root, not_listed: &forbidden };
    show(form, &told, || text(&tree, &forbidden, paint, now), out)
}
