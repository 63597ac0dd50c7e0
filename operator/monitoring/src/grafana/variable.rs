//! What is chosen at the top of a dashboard.

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

/// What is chosen at the top of a dashboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variable {
    /// Which Prometheus is asked.
    Datasource,
    /// The namespace of the shop.
    Namespace,
    /// The name of its Store.
    Store,
    /// One or more parts of the shop.
    Job,
    /// One or more pods of them.
    Instance,
}

impl Serialize for Variable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json().serialize(serializer)
    }
}

impl Variable {
    fn json(self) -> Value {
        match self {
            Self::Datasource => json!({
                "name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus",
                "refresh": 1, "hide": 0, "multi": false, "includeAll": false, "current": {}, "options": [], "regex": "",
            }),
            Self::Namespace => one("namespace", "Namespace", "label_values(up, namespace)"),
            Self::Store => one("store", "Store", r#"label_values(up{namespace="$namespace"}, store)"#),
            Self::Job => several("job", "Part", r#"label_values(up{namespace="$namespace",store="$store"}, job)"#),
            Self::Instance => several(
                "instance",
                "Instance",
                r#"label_values(up{namespace="$namespace",store="$store",job=~"$job"}, instance)"#,
            ),
        }
    }
}

fn one(name: &str, label: &str, query: &str) -> Value {
    json!({
        "name": name, "label": label, "type": "query", "definition": query,
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "query": {"qryType": 1, "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
        // 2: asked again when another time is looked at, since shops and pods come and go.
        "refresh": 2, "sort": 1, "hide": 0, "multi": false, "includeAll": false, "current": {}, "options": [], "regex": "",
    })
}

fn several(name: &str, label: &str, query: &str) -> Value {
    let mut variable = one(name, label, query);
    variable["multi"] = json!(true);
    variable["includeAll"] = json!(true);
    variable["allValue"] = json!(".+");
    variable["current"] = json!({"selected": true, "text": ["All"], "value": ["$__all"]});
    variable
}
