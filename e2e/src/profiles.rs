//! Flame graphs of the services, each taken while the shop is asked for one thing only, again and again.

pub mod drive;
pub mod operation;
pub mod page;

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::future::try_join_all;

use self::drive::{Drive, Tally};
use self::operation::Operation;
use crate::load::{self, Customer, Shelf};
use crate::shop::ShopError;
use crate::watch::{Admin, WatchError};

/// Customers who ask at once: more than any pod can answer at the same time.
const CUSTOMERS: usize = 24;

/// Pieces on the shelf, the most that a product can have: more than can be bought meanwhile.
const PIECES: i64 = 1_000_000;

/// Why there are no profiles.
#[derive(Debug, thiserror::Error)]
pub enum ProfilesError {
    /// The shop did not do what it was asked.
    #[error(transparent)]
    Shop(#[from] ShopError),
    /// The profiles can't be reached.
    #[error(transparent)]
    Watch(#[from] WatchError),
    /// Nothing of what was asked for was answered.
    #[error("{operation}: none of {refused} requests was answered, at last because of: {last}", operation = .operation.name())]
    NothingDone {
        /// What was asked for.
        operation: Operation,
        /// How often.
        refused: u64,
        /// What came instead.
        last: String,
    },
    /// The service had nothing to do with it.
    #[error("{operation}: the flame graph of {service} shows nothing of {service}: it is of a pod that was not asked, or it is not there: {begin}", operation = .operation.name())]
    NotBusy {
        /// What was asked for.
        operation: Operation,
        /// Whose flame graph it is.
        service: &'static str,
        /// How it begins.
        begin: String,
    },
    /// A file could not be written.
    #[error("can't write {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// How long and how closely the services are watched.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// For so many seconds.
    pub seconds: u32,
    /// So many times in each second of CPU time.
    pub frequency: u32,
}

/// A flame graph, and what the service did meanwhile.
#[derive(Clone, Debug)]
pub struct Graph {
    /// What was asked for.
    pub operation: Operation,
    /// Whose it is.
    pub service: &'static str,
    /// The drawing.
    pub drawing: String,
    /// What was answered from the first request to the last.
    pub tally: Tally,
}

impl Graph {
    /// The name of its file.
    pub fn file(&self) -> String {
        let name = self.operation.name();
        if self.operation.services().first() == Some(&self.service) {
            format!("{name}.svg")
        } else {
            format!("{name}-{}.svg", self.service)
        }
    }
}

/// Takes the flame graphs of these operations, one operation after the other.
pub async fn take(url: &str, operations: &[Operation], look: Look) -> Result<Vec<Graph>, ProfilesError> {
    let admin = Admin::log_in(url).await?;
    let mut clerk = load::administrator(url).await?;
    let shelf = Shelf::fill(&mut clerk, &[PIECES; 8]).await?;
    let taken = take_all(url, &admin, &shelf, operations, look).await;
    // The products go whatever became of the profiles; what happened first is what is told.
    let cleared = shelf.clear(&mut clerk).await;
    let graphs = taken?;
    cleared?;
    Ok(graphs)
}

async fn take_all(
    url: &str,
    admin: &Admin,
    shelf: &Shelf,
    operations: &[Operation],
    look: Look,
) -> Result<Vec<Graph>, ProfilesError> {
    let mut customers = load::crowd(url, CUSTOMERS).await?;
    let mut graphs = Vec::new();
    for operation in operations {
        let (back, mut taken) = take_one(admin, customers, shelf, *operation, look).await?;
        customers = back;
        graphs.append(&mut taken);
    }
    Ok(graphs)
}

/// Lets the customers ask for one thing, and watches everyone who has to do with it meanwhile.
async fn take_one(
    admin: &Admin,
    customers: Vec<Customer>,
    shelf: &Shelf,
    operation: Operation,
    look: Look,
) -> Result<(Vec<Customer>, Vec<Graph>), ProfilesError> {
    let drive = Drive::start(operation, customers, shelf);
    drive.under_way().await;
    let drawings = try_join_all(operation.services().iter().map(|service| drawing(admin, operation, service, look)));
    let drawings = drawings.await;
    let (customers, tally) = drive.stop().await?;
    if tally.answers == 0 {
        return Err(ProfilesError::NothingDone { operation, refused: tally.refused, last: tally.last_refusal });
    }
    let services = operation.services().iter().zip(drawings?);
    let graph =
        |(service, drawing): (&&'static str, String)| Graph { operation, service, drawing, tally: tally.clone() };
    Ok((customers, services.map(graph).collect()))
}

async fn drawing(
    admin: &Admin,
    operation: Operation,
    service: &'static str,
    look: Look,
) -> Result<String, ProfilesError> {
    let Look { seconds, frequency } = look;
    let path = format!("/profiles/{service}/flamegraph.svg?seconds={seconds}&frequency={frequency}");
    let drawing = admin.page(&path).await?;
    // Every function of a service's own has the name of its crate before it.
    if drawing.contains("<svg") && drawing.contains(&format!("shop_{service}::")) {
        Ok(drawing)
    } else {
        Err(ProfilesError::NotBusy { operation, service, begin: drawing.chars().take(200).collect() })
    }
}

/// Writes the drawings into a folder, and the page that leads to them if they are all there.
pub fn write(folder: &Path, graphs: &[Graph], look: Look, command: &str) -> Result<(), ProfilesError> {
    let cannot = |path: &Path| {
        let path = path.to_owned();
        move |source| ProfilesError::File { path, source }
    };
    std::fs::create_dir_all(folder).map_err(cannot(folder))?;
    let all = Operation::ALL.iter().all(|operation| graphs.iter().any(|graph| graph.operation == *operation));
    let page = all.then(|| ("README.md".to_owned(), page::index(graphs, look, command)));
    let drawings = graphs.iter().map(|graph| (graph.file(), graph.drawing.clone()));
    for (name, content) in drawings.chain(page) {
        let path = folder.join(name);
        std::fs::write(&path, content).map_err(cannot(&path))?;
    }
    Ok(())
}

/// How long the customers may take for their first answer.
pub(crate) const FIRST_ANSWER: Duration = Duration::from_secs(20);
