//! Flash sales: started and stopped by administrators, and told of when their time has come.
//!
//! A sale holds by the clock of the database, to the instant. Everything that happens to one happens while its product is locked, is
//! announced to the caches as a change of the product, and ends with a numbered event that every replica hears of.

use std::sync::Arc;
use std::time::Duration;

use shop_cache::{Cache, CacheStatus, Served};
use shop_runtime::job::{self, Round};
use shop_types::{FlashSaleId, ProductId};
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use crate::cached::flash_sales::{AllSales, FlashSales as Source, OpenSales};
use crate::changes::Changes;
use crate::domain::event::{EventKind, NewEvent};
use crate::domain::flash_sale::{FlashSale, NewSale, SaleState};
use crate::domain::product_event::Aspect;
use crate::error::Error;
use crate::store;

/// How often to look for sales that have begun or ended. Prices do not wait for it; carts and sockets hear of it then.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How many sales a round tells of.
const BATCH: i64 = 50;

/// The sales.
#[derive(Clone, Debug)]
pub struct FlashSales {
    db: PgPool,
    open: Cache<Source>,
    changes: Changes,
}

impl FlashSales {
    /// The sales of this database, behind this cache.
    pub const fn new(db: PgPool, open: Cache<Source>, changes: Changes) -> Self {
        Self { db, open, changes }
    }

    /// The sales that run or are planned, and what the cache did for them.
    pub async fn open(&self) -> Result<(CacheStatus, Arc<OpenSales>), Error> {
        let Served { value, status } = self.open.get(&AllSales).await?;
        Ok((status, value.unwrap_or_else(|| Arc::new(OpenSales { items: Vec::new() }))))
    }

    /// Drops what this replica remembers, after it has heard that something happened.
    pub async fn heard(&self) {
        self.open.on_event(&AllSales).await;
    }

    /// Starts a sale, or plans it.
    pub async fn start(&self, new: &NewSale) -> Result<FlashSale, Error> {
        new.check(OffsetDateTime::now_utc())?;
        let mut change = self.changes.of_sales(new.product).await?;
        let outcome = start(&mut change, new).await;
        change.end(outcome).await
    }

    /// Stops a sale, or calls it off.
    pub async fn stop(&self, sale: FlashSaleId) -> Result<(), Error> {
        let product = store::flash_sales::by_id(&self.db, sale).await?.ok_or(Error::NoSale(sale))?.product_id;
        let mut change = self.changes.of_sales(product).await?;
        let outcome = stop(&mut change, product, sale).await;
        change.end(outcome).await
    }

    /// Tells of sales that have begun or ended, and how many there were.
    pub async fn tell_of_due(&self) -> Result<usize, Error> {
        let due = store::flash_sales::due(&self.db, BATCH).await?;
        for (sale, product) in &due {
            let mut change = self.changes.of_sales(*product).await?;
            let outcome = advance(&mut change, *product, *sale).await;
            change.end(outcome).await?;
        }
        Ok(due.len())
    }

    /// Does so until `stop`. Every replica does; who comes second finds nothing to tell.
    pub async fn watch_the_clock(self, stop: CancellationToken) {
        job::repeat("flash sales", LOOK_EVERY, stop, || async {
            let told = self.tell_of_due().await?;
            Ok::<_, Error>(if told > 0 { Round::More } else { Round::Rest })
        })
        .await;
    }
}

async fn start(connection: &mut PgConnection, new: &NewSale) -> Result<FlashSale, Error> {
    let product = store::products::lock(&mut *connection, new.product).await?.ok_or(Error::NoProduct(new.product))?;
    if new.price.amount >= product.price.amount || new.price.currency != product.price.currency {
        return Err(Error::SalePrice(new.product));
    }
    let id = FlashSaleId::generate();
    if !store::flash_sales::insert(&mut *connection, id, new).await? {
        return Err(Error::SaleOverlaps(new.product));
    }
    let sale = changed(connection, id).await?;
    let kind = if sale.state == SaleState::Running { EventKind::FlashSaleStarted } else { EventKind::FlashSalePlanned };
    tell(connection, kind, sale).await
}

async fn stop(connection: &mut PgConnection, product: ProductId, id: FlashSaleId) -> Result<(), Error> {
    store::products::hold(&mut *connection, product).await?;
    if !store::flash_sales::cancel(&mut *connection, id).await? {
        return Err(Error::NoSale(id));
    }
    let sale = changed(connection, id).await?;
    tell(connection, EventKind::FlashSaleStopped, sale).await.map(drop)
}

async fn advance(connection: &mut PgConnection, product: ProductId, id: FlashSaleId) -> Result<(), Error> {
    store::products::hold(&mut *connection, product).await?;
    let kind = match store::flash_sales::advance(&mut *connection, id).await? {
        // Another replica was faster.
        None | Some(SaleState::Planned) => return Ok(()),
        Some(SaleState::Running) => EventKind::FlashSaleStarted,
        Some(SaleState::Over) => EventKind::FlashSaleEnded,
    };
    let sale = changed(connection, id).await?;
    tell(connection, kind, sale).await.map(drop)
}

/// The sale after it was changed, which is a change of its product.
async fn changed(connection: &mut PgConnection, id: FlashSaleId) -> Result<FlashSale, Error> {
    let sale = store::flash_sales::by_id(&mut *connection, id).await?.ok_or(Error::NoSale(id))?;
    store::products::touch(&mut *connection, sale.product_id).await?;
    store::product_changes::note(connection, sale.product_id, Aspect::Price).await?;
    Ok(sale)
}

/// Numbers the event; nobody else can until this transaction ends, so it is the last statement.
async fn tell(connection: &mut PgConnection, kind: EventKind, sale: FlashSale) -> Result<FlashSale, Error> {
    let event = NewEvent { kind, sale };
    store::events::append(connection, &event).await?;
    Ok(event.sale)
}
