//! Where panels stand: from left to right, and in a new line when there is no more room.

use serde::Serialize;

use super::dashboard::Row;
use super::panel::{Panel, Placed};

/// Grafana's grid is so wide.
const COLUMNS: u32 = 24;

/// A place in the grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Place {
    x: u32,
    y: u32,
    w: u32,
    h: u32,
}

/// What stands in the grid.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Item<'a> {
    Headline(Headline),
    Panel(Box<Placed<'a>>),
}

/// The headline of a row.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Headline {
    id: u32,
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    collapsed: bool,
    grid_pos: Place,
    panels: [u32; 0],
}

/// Everything with its place and number.
pub(super) fn placed(rows: &[Row]) -> Vec<Item<'_>> {
    let mut items = Vec::new();
    let mut y = 0;
    for row in rows {
        let place = Place { x: 0, y, w: COLUMNS, h: 1 };
        let id = next(&items);
        items.push(Item::Headline(Headline {
            id,
            kind: "row",
            title: row.title,
            collapsed: false,
            grid_pos: place,
            panels: [],
        }));
        y = below(&mut items, &row.panels, y + 1);
    }
    items
}

/// Puts the panels of a row from `y` on; where the next row begins.
fn below<'a>(items: &mut Vec<Item<'a>>, panels: &'a [Panel], mut y: u32) -> u32 {
    let (mut x, mut tallest) = (0, 0);
    for panel in panels {
        let (w, h) = (panel.width(), panel.height());
        if x + w > COLUMNS {
            (x, y, tallest) = (0, y + tallest, 0);
        }
        items.push(Item::Panel(Box::new(panel.placed(next(items), Place { x, y, w, h }))));
        x += w;
        tallest = tallest.max(h);
    }
    y + tallest
}

fn next(items: &[Item<'_>]) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dashboards;

    #[test]
    fn no_two_panels_overlap_and_none_is_outside_of_the_grid() {
        for dashboard in dashboards() {
            let json = serde_json::to_value(&dashboard).expect("it is JSON");
            let places: Vec<[u64; 4]> = json["panels"]
                .as_array()
                .expect("panels")
                .iter()
                .map(|panel| ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().expect("a number")))
                .collect();
            for (index, [x, y, w, h]) in places.iter().enumerate() {
                assert!(x + w <= u64::from(COLUMNS), "{}", dashboard.uid());
                for [left, top, width, height] in &places[index + 1..] {
                    let apart = x + w <= *left || left + width <= *x || y + h <= *top || top + height <= *y;
                    assert!(apart, "{}: {x},{y} and {left},{top}", dashboard.uid());
                }
            }
        }
    }
}
