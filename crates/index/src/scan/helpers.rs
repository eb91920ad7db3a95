//! Threads that help with large scans, shared by all stores of a process.
//!
//! A search divides its work into units and takes them itself; helpers take units too while there are any. A search
//! waits only for helpers that have begun, so that on a busy machine, where none gets a turn, it is no slower than
//! alone. (Scoped threads were measured first: with all cores taken, joining them cost more than the scan.)

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::{Condvar, Mutex};

/// A handle to the helping threads; they end with the last handle. Clones share them.
#[derive(Clone)]
pub struct Helpers {
    threads: usize,
    pool: Arc<Pool>,
}

/// The units of one piece of work, each given out once.
pub(super) struct Units {
    next: AtomicUsize,
    total: usize,
}

impl Units {
    /// The next unit that nobody has taken.
    pub(super) fn take(&self) -> Option<usize> {
        // Acquire and release: who sees the last unit taken also sees the count of those who took units.
        let unit = self.next.fetch_add(1, Ordering::AcqRel);
        (unit < self.total).then_some(unit)
    }

    fn left(&self) -> bool {
        self.next.load(Ordering::Acquire) < self.total
    }
}

struct Pool {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
}

#[derive(Default)]
struct Queue {
    tasks: VecDeque<Arc<dyn Task>>,
    closed: bool,
}

trait Task: Send + Sync {
    fn help(&self);
}

struct Job<W, R> {
    work: W,
    units: Units,
    progress: Mutex<Progress<R>>,
    finished: Condvar,
}

struct Progress<R> {
    helping: usize,
    results: Vec<R>,
    panic: Option<Box<dyn Any + Send>>,
}

impl Helpers {
    /// Starts this many threads; with 0 every search is alone.
    pub fn new(threads: usize) -> Self {
        let shared = Arc::new(Shared::default());
        let started = (0..threads)
            .map_while(|_| {
                let shared = Arc::clone(&shared);
                std::thread::Builder::new().name("usher-scan".to_owned()).spawn(move || shared.serve()).ok()
            })
            .count();
        Self { threads: started, pool: Arc::new(Pool { shared }) }
    }

    /// One thread fewer than the machine has cores, at most 7.
    pub fn for_this_machine() -> Self {
        Self::new(std::thread::available_parallelism().map_or(0, |cores| cores.get().min(8) - 1))
    }

    /// The number of threads.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Calls `work` here and on up to `helpers` threads; together the calls take all of `units`. The results come in no
    /// particular order.
    pub(super) fn run<R, W>(&self, helpers: usize, units: usize, work: W) -> Vec<R>
    where
        R: Send + 'static,
        W: Fn(&Units) -> R + Send + Sync + 'static,
    {
        let helpers = helpers.min(self.threads).min(units.saturating_sub(1));
        let job = Arc::new(Job {
            work,
            units: Units { next: AtomicUsize::new(0), total: units },
            progress: Mutex::new(Progress { helping: 0, results: Vec::new(), panic: None }),
            finished: Condvar::new(),
        });
        if helpers > 0 {
            self.pool.shared.offer(Arc::clone(&job) as Arc<dyn Task>, helpers, self.threads * 2);
        }
        let own = (job.work)(&job.units);
        let mut progress = job.progress.lock();
        while progress.helping > 0 {
            job.finished.wait(&mut progress);
        }
        if let Some(panic) = progress.panic.take() {
            resume_unwind(panic);
        }
        progress.results.push(own);
        std::mem::take(&mut progress.results)
    }
}

impl<W, R> Task for Job<W, R>
where
    R: Send,
    W: Fn(&Units) -> R + Send + Sync,
{
    fn help(&self) {
        {
            // Counted before a unit is taken: the search, which returns when all units are taken, waits for it.
            let mut progress = self.progress.lock();
            if !self.units.left() {
                return;
            }
            progress.helping += 1;
        }
        let result = catch_unwind(AssertUnwindSafe(|| (self.work)(&self.units)));
        let mut progress = self.progress.lock();
        match result {
            Ok(result) => progress.results.push(result),
            Err(panic) => progress.panic = Some(panic),
        }
        progress.helping -= 1;
        self.finished.notify_one();
    }
}

impl Shared {
    /// Queues a task `times` over, unless so much is queued already that no helper would come to it in time.
    fn offer(&self, task: Arc<dyn Task>, times: usize, most: usize) {
        let mut queue = self.queue.lock();
        for _ in 0..times.min(most.saturating_sub(queue.tasks.len())) {
            queue.tasks.push_back(Arc::clone(&task));
            self.wake.notify_one();
        }
    }

    fn serve(&self) {
        loop {
            let task = {
                let mut queue = self.queue.lock();
                loop {
                    if let Some(task) = queue.tasks.pop_front() {
                        break task;
                    }
                    if queue.closed {
                        return;
                    }
                    self.wake.wait(&mut queue);
                }
            };
            task.help();
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.queue.lock().closed = true;
        self.shared.wake.notify_all();
    }
}

impl std::fmt::Debug for Helpers {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Helpers").field("threads", &self.threads).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_taken_once_whoever_takes_it() {
        let helpers = Helpers::new(3);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for units in [0, 1, 2, 100] {
                        let take = |units: &Units| std::iter::from_fn(|| units.take()).collect::<Vec<usize>>();
                        let mut taken: Vec<usize> = helpers.run(5, units, take).into_iter().flatten().collect();
                        taken.sort_unstable();
                        assert_eq!(taken, (0..units).collect::<Vec<_>>());
                    }
                });
            }
        });
        assert_eq!(Helpers::new(0).run(9, 5, |units| std::iter::from_fn(|| units.take()).count()), [5]);
    }

    #[test]
    fn a_panic_of_a_helper_reaches_the_caller() {
        let helpers = Helpers::new(1);
        let caller = std::thread::current().id();
        let failed = catch_unwind(AssertUnwindSafe(|| {
            helpers.run(1, 1_000, move |units| {
                while units.take().is_some() {
                    assert!(std::thread::current().id() == caller, "a helper");
                    std::thread::sleep(std::time::Duration::from_micros(50));
                }
            })
        }));
        assert!(failed.is_err());
        // The thread goes on.
        assert_eq!(helpers.run(1, 2, |units| std::iter::from_fn(|| units.take()).count()).iter().sum::<usize>(), 2);
    }
}
