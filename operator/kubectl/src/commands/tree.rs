//! `tree`: all that belongs to a Store.

use std::io::Write;

use jiff::Timestamp;
use serde::Serialize;

use super::show;
use crate::{
    args::Form,
    error::Error,
    fetch::{Children, Missing, Shops},
    paint::Paint,
    seen::Seen,
    tree::{Node, ReplicaSets, Tree, text},
};

/// What programs are told.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    #[serde(flatten)]
    root: &'a Node,
    #[serde(flatten)]
    missing: &'a Missing,
}

pub(super) async fn tree(
    shops: &Shops,
    store: Seen,
    all: bool,
    form: Form,
    (paint, now): (Paint, Timestamp),
    out: &mut (impl Write + ?Sized),
) -> Result<(), Error> {
    let Children { objects, missing } = shops.children(&store).await;
    let shown = if all { ReplicaSets::All } else { ReplicaSets::WithPods };
    let tree = Tree::of(store, &objects, shown);
    let told = Told { root: &tree.root, missing: &missing };
    show(form, &told, || text(&tree, &missing, paint, now), out)
}
