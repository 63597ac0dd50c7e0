//! The Helm values that make the operator's chart use the images of this cluster.

use std::path::Path;

use crate::{
    error::Result,
    images::REGISTRY,
    layout::write,
    servers::{self, Tools},
};

/// Where the images of other people's servers come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operands {
    /// Made here and loaded into the cluster. A shop does without those that cannot be had.
    MadeHere(Tools),
    /// As the chart says.
    Upstream,
}

/// Writes the values to a file.
pub(crate) fn write_to(path: &Path, operands: Operands) -> Result<()> {
    write(path, &render(operands), false)
}

fn render(from: Operands) -> String {
    let mut operands = serde_json::json!({"registry": REGISTRY});
    if let Operands::MadeHere(tools) = from {
        for server in servers::all(tools) {
            operands[server.operand()] = server.reference().to_string().into();
        }
        for operand in servers::missing(tools) {
            operands[operand] = "".into();
        }
    }
    let values = serde_json::json!({"image": {"registry": REGISTRY}, "operands": operands});
    format!("{values:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_without_an_image_has_an_empty_one_so_that_the_operator_leaves_it_out() {
        let values: serde_json::Value = serde_json::from_str(&render(Operands::MadeHere(Tools::LeftOut))).unwrap();
        assert_eq!(values["operands"]["grafana"], "");
        assert_eq!(values["operands"]["pgAdmin"], "");
        assert_eq!(values["operands"]["redisExporter"], "shopkeeper.local/redis-exporter:1.45");
    }

    #[test]
    fn upstream_images_are_those_that_the_chart_says() {
        let values: serde_json::Value = serde_json::from_str(&render(Operands::Upstream)).unwrap();
        assert_eq!(values["operands"], serde_json::json!({"registry": REGISTRY}));
    }
}
