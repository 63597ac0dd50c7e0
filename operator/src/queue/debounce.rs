//! Draws triggers together: what comes in a burst is one reason to look at a Store, not twenty.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
    time::Duration,
};

use futures::{Stream, StreamExt, stream};
use tokio::time::{Instant, sleep_until};

/// A Store is looked at when nothing more was heard of what belongs to it for so long.
const QUIET: Duration = Duration::from_millis(100);

/// It is looked at after so long also when there is no end of it.
const LONGEST: Duration = Duration::from_millis(500);

/// Why something is to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger<K> {
    /// It was itself changed: whoever did that waits for it.
    AtOnce(K),
    /// Something that belongs to it was changed, and mostly more is on its way.
    Soon(K),
}

impl<K> Trigger<K> {
    /// What is to be looked at.
    pub fn into_inner(self) -> K {
        match self {
            Self::AtOnce(it) | Self::Soon(it) => it,
        }
    }
}

/// What is to be looked at now: each burst of triggers once.
pub fn debounced<K>(triggers: impl Stream<Item = Trigger<K>> + Send + 'static) -> impl Stream<Item = K> + Send
where
    K: Clone + Eq + Hash + Send + 'static,
{
    let debounce = Debounce { triggers: triggers.boxed(), waiting: HashMap::new(), due: VecDeque::new(), wake: None };
    stream::unfold(debounce, |mut debounce| async move { Some((debounce.next().await?, debounce)) })
}

struct Debounce<K> {
    triggers: stream::BoxStream<'static, Trigger<K>>,
    waiting: HashMap<K, Burst>,
    /// Those that waited long enough.
    due: VecDeque<K>,
    /// Not later than the first of them is due.
    wake: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Burst {
    first: Instant,
    last: Instant,
}

impl Burst {
    fn due(self) -> Instant {
        (self.last + QUIET).min(self.first + LONGEST)
    }
}

impl<K: Clone + Eq + Hash> Debounce<K> {
    async fn next(&mut self) -> Option<K> {
        loop {
            if let Some(due) = self.due.pop_front() {
                return Some(due);
            }
            let wake = self.wake;
            tokio::select! {
                trigger = self.triggers.next() => match trigger? {
                    Trigger::AtOnce(it) => {
                        // It sees whatever else was changed until now.
                        self.waiting.remove(&it);
                        return Some(it);
                    }
                    Trigger::Soon(it) => self.heard_of(it),
                },
                () = until(wake) => self.wake_up(),
            }
        }
    }

    fn heard_of(&mut self, it: K) {
        let now = Instant::now();
        self.waiting.entry(it).or_insert(Burst { first: now, last: now }).last = now;
        // Whatever waits already is due by then at the latest, so what is set stays.
        self.wake.get_or_insert(now + QUIET);
    }

    /// Takes all that are due, the one that was heard of first at first.
    fn wake_up(&mut self) {
        let now = Instant::now();
        let mut due: Vec<_> = self.waiting.extract_if(|_, burst| burst.due() <= now).collect();
        due.sort_by_key(|(_, burst)| burst.first);
        self.due.extend(due.into_iter().map(|(it, _)| it));
        self.wake = self.waiting.values().map(|burst| burst.due()).min();
    }
}

async fn until(wake: Option<Instant>) {
    match wake {
        Some(wake) => sleep_until(wake).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use futures::channel::mpsc::{UnboundedSender, unbounded};
    use tokio::{
        task::JoinHandle,
        time::{advance, sleep},
    };

    use super::*;

    type Name = &'static str;
    type Heard = JoinHandle<Vec<(Name, u128)>>;

    /// What comes out, with the milliseconds after which it did.
    fn listen() -> (UnboundedSender<Trigger<Name>>, Heard) {
        let (sender, triggers) = unbounded();
        let begun = Instant::now();
        let out = debounced(triggers).map(move |it| (it, begun.elapsed().as_millis()));
        (sender, tokio::spawn(out.collect()))
    }

    const fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_one_reason_to_look() {
        let (sender, heard) = listen();
        for _ in 0..20 {
            sender.unbounded_send(Trigger::Soon("demo")).unwrap();
            sleep(millis(10)).await;
        }
        sleep(millis(2000)).await;
        drop(sender);
        let heard = heard.await.unwrap();
        assert_eq!(heard.len(), 1, "{heard:?}");
        assert!((280..310).contains(&heard[0].1), "{heard:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_of_the_store_itself_waits_for_nothing_and_takes_along_what_waits() {
        let (sender, heard) = listen();
        sender.unbounded_send(Trigger::Soon("demo")).unwrap();
        sender.unbounded_send(Trigger::Soon("other")).unwrap();
        sleep(millis(50)).await;
        sender.unbounded_send(Trigger::AtOnce("demo")).unwrap();
        sleep(millis(2000)).await;
        drop(sender);
        let heard = heard.await.unwrap();
        assert_eq!(heard.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["demo", "other"], "{heard:?}");
        assert!((50..55).contains(&heard[0].1) && (100..110).contains(&heard[1].1), "{heard:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_never_ends_is_looked_at_all_the_same() {
        let (sender, heard) = listen();
        for _ in 0..100 {
            sender.unbounded_send(Trigger::Soon("demo")).unwrap();
            sleep(millis(20)).await;
        }
        drop(sender);
        let heard = heard.await.unwrap();
        assert!((3..=4).contains(&heard.len()), "two seconds of it: {heard:?}");
        assert!((500..530).contains(&heard[0].1), "{heard:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_alone_waits_for_a_moment_only_and_the_next_is_another() {
        let (sender, heard) = listen();
        for _ in 0..2 {
            sender.unbounded_send(Trigger::Soon("demo")).unwrap();
            sleep(millis(300)).await;
        }
        advance(millis(1000)).await;
        drop(sender);
        let heard = heard.await.unwrap();
        assert_eq!(heard.len(), 2, "{heard:?}");
        assert!((100..110).contains(&heard[0].1) && (400..410).contains(&heard[1].1), "{heard:?}");
    }
}
