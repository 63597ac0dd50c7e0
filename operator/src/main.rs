//! The operator's process: configuration, Lease, controller, and an orderly end.

use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::Context as _;
use clap::Parser;
use shopkeeper_operator::{
    args::Args,
    client::client,
    controller,
    lease::Lease,
    metrics::Metrics,
    observed::Observed,
    ops::{self, Ops},
    telemetry,
};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    telemetry::init(args.log_format);
    match run(args).await {
        Ok(code) => code,
        Err(error) => {
            tracing::error!(error = %format_args!("{error:#}"), "the operator cannot run");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let stop = stop_on_signal()?;
    let metrics = Metrics::new()?;
    let observed = Arc::new(Observed::default());
    let leading = Arc::new(AtomicBool::new(false));
    let ops = Ops { metrics: metrics.clone(), observed: observed.clone(), leading: leading.clone() };
    let listener = tokio::net::TcpListener::bind(args.metrics_addr).await.context("METRICS_ADDR")?;
    tokio::spawn(async move { axum::serve(listener, ops::router(ops)).await });

    let config = kube::Config::infer().await.context("no way to an API server was found")?;
    let client = client(config, &metrics)?;
    let mut lease =
        Lease::claim(client.clone(), &args, metrics.clone()).await.context("the Lease cannot be claimed")?;
    tracing::info!(lease = %args.lease_name, "waiting for the Lease");
    tokio::select! {
        held = lease.wait_until_held() => held?,
        () = stop.cancelled() => {
            lease.release().await;
            return Ok(ExitCode::SUCCESS);
        }
    }
    leading.store(true, Ordering::Relaxed);
    tracing::info!("this replica holds the Lease and works");
    let (lost, stopped) = (lease.lost(), stop.clone());
    let end = async move {
        tokio::select! {
            () = lost => tracing::error!("the Lease was lost"),
            () = stopped.cancelled() => tracing::info!("stopping"),
        }
    };
    controller::run(client, args.settings(), metrics, observed, end).await;
    // Losing the Lease ends the process: what it remembers may be out of date when it is leader again.
    let code = if stop.is_cancelled() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    lease.release().await;
    Ok(code)
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
