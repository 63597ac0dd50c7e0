//! The operator's process: configuration, Lease, controller, and an orderly end.

use std::{process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context as _;
use clap::Parser;
use shopkeeper_operator::{
    args::{Args, Settings},
    client::{as_replica, client, gated_client},
    controller::{self, Surroundings},
    heartbeat::Heartbeat,
    lease::{Lease, Term},
    metrics::Metrics,
    observed::Observed,
    ops::{self, Ops},
    telemetry::{self, LogLevel},
    watch::WatchStates,
};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Reconciles that take longer than this after a signal are cut off; whatever they were at is done by the next holder.
const DRAIN: Duration = Duration::from_secs(10);

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let identity = args.unique_identity();
    let telemetry = match telemetry::init(args.log_format, &identity) {
        Ok(telemetry) => telemetry,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let code = match run(args, identity, telemetry.level.clone()).await {
        Ok(code) => code,
        Err(error) => {
            tracing::error!(error = %format_args!("{error:#}"), "the operator cannot run");
            ExitCode::FAILURE
        }
    };
    // It waits for the collector. Should it panic, there is nothing left to do.
    let _ = tokio::task::spawn_blocking(move || telemetry.flush()).await;
    code
}

async fn run(args: Args, identity: String, level: LogLevel) -> anyhow::Result<ExitCode> {
    let stop = stop_on_signal()?;
    let settings = args.settings(&identity);
    let metrics = Metrics::new()?;
    let config = as_replica(kube::Config::infer().await.context("no way to an API server was found")?, &identity);
    let term = Term::new(args.lease_duration());
    let gated = gated_client(config.clone(), &metrics, term.clone())?;

    // Two renewals and their requests are less than this.
    let claiming = Heartbeat::new("the claim to the Lease", args.lease_duration());
    let lease = Lease::claim(client(config, &metrics)?, args.lease(&identity), term, &metrics, claiming.clone());
    let surroundings = surroundings(gated, settings, &metrics);
    let ops = Ops {
        metrics,
        watches: surroundings.watches.clone(),
        role: lease.role(),
        beats: vec![surroundings.beat.clone(), claiming],
        level,
    };
    let listener = tokio::net::TcpListener::bind(args.metrics_addr).await.context("METRICS_ADDR")?;
    tracing::info!(address = %listener.local_addr()?, "serving /metrics, /livez, /readyz and /loglevel");
    tokio::spawn(ops::serve(listener, ops));
    Ok(work(lease, surroundings, stop).await)
}

fn surroundings(client: kube::Client, settings: Settings, metrics: &Metrics) -> Surroundings {
    // Every reconcile ends within its time, and then the loop goes on.
    let beat = Heartbeat::new("the controller", settings.reconcile_timeout * 2);
    Surroundings {
        client,
        settings,
        metrics: metrics.clone(),
        observed: Arc::new(Observed::default()),
        watches: WatchStates::default(),
        beat,
    }
}

/// Stands by, works, and gives the Lease back.
async fn work(lease: Lease, surroundings: Surroundings, stop: CancellationToken) -> ExitCode {
    let controller = controller::run_when(lease.held(), surroundings, stop.clone().cancelled_owned());
    let patience = async {
        stop.cancelled().await;
        tracing::info!("stopping");
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        biased;
        // Losing the Lease ends the process: what it remembers may be out of date when it is holder again.
        () = lease.lost() => {
            tracing::error!("the Lease was lost");
            return ExitCode::FAILURE;
        }
        () = controller => {}
        () = patience => tracing::warn!("reconciles are cut off, as they take too long"),
    }
    lease.release().await;
    ExitCode::SUCCESS
}

/// A token that is cancelled by the first signal; a second one ends the process at once.
fn stop_on_signal() -> anyhow::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let token = stop.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if token.is_cancelled() {
                std::process::exit(130);
            }
            token.cancel();
        }
    });
    Ok(stop)
}
