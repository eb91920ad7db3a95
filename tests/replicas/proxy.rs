//! What stands between a process and a server that it needs: it can be slow, silent or gone, each way by itself.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// What happens to what is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Way {
    pub delay: Duration,
    /// Nothing arrives; what was sent does once this ends.
    pub is_silent: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Weather {
    there: Way,
    back: Way,
    /// Connections are ended, and no new ones are to be had.
    is_cut: bool,
    /// Connections from before this number are dead, and nobody was told.
    since: u64,
}

pub struct Proxy {
    weather: watch::Sender<Weather>,
    port: u16,
    folder: Option<tempfile::TempDir>,
    task: tokio::task::JoinHandle<()>,
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

#[derive(Clone)]
enum Target {
    Port(u16),
    Socket(PathBuf),
}

impl Target {
    async fn connect(&self) -> std::io::Result<Box<dyn Stream>> {
        Ok(match self {
            Self::Port(port) => Box::new(TcpStream::connect(("127.0.0.1", *port)).await?),
            Self::Socket(path) => Box::new(UnixStream::connect(path).await?),
        })
    }
}

enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    async fn accept(&self) -> Box<dyn Stream> {
        match self {
            Self::Tcp(listener) => Box::new(listener.accept().await.unwrap().0),
            Self::Unix(listener) => Box::new(listener.accept().await.unwrap().0),
        }
    }
}

impl Proxy {
    /// To a port of this machine.
    pub async fn to_port(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        Self::start(Listener::Tcp(listener), Target::Port(port), own, None)
    }

    /// To the socket in a folder, by a socket of the same name in another folder.
    pub async fn to_socket(path: &Path) -> Self {
        let folder = tempfile::tempdir_in("/tmp").unwrap();
        let listener = UnixListener::bind(folder.path().join(path.file_name().unwrap())).unwrap();
        Self::start(Listener::Unix(listener), Target::Socket(path.to_owned()), 0, Some(folder))
    }

    fn start(listener: Listener, target: Target, port: u16, folder: Option<tempfile::TempDir>) -> Self {
        let weather = watch::Sender::new(Weather::default());
        let sender = weather.clone();
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            loop {
                let client = listener.accept().await;
                connections.spawn(connection(client, target.clone(), sender.subscribe()));
            }
        });
        Self { weather, port, folder, task }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn folder(&self) -> &Path {
        self.folder.as_ref().unwrap().path()
    }

    pub fn ways(&self, there: Way, back: Way) {
        self.weather.send_modify(|weather| (weather.there, weather.back) = (there, back));
    }

    /// Nothing arrives, neither way.
    pub fn silence(&self) {
        let way = Way { is_silent: true, ..Way::default() };
        self.ways(way, way);
    }

    pub fn cut(&self) {
        self.weather.send_modify(|weather| weather.is_cut = true);
    }

    /// All is well again.
    pub fn heal(&self) {
        self.weather.send_modify(|weather| *weather = Weather { since: weather.since, ..Weather::default() });
    }

    /// All is well for new connections; those that there are stay silent and open.
    pub fn heal_for_new(&self) {
        self.weather.send_modify(|weather| *weather = Weather { since: weather.since + 1, ..Weather::default() });
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn connection(client: Box<dyn Stream>, target: Target, mut weather: watch::Receiver<Weather>) {
    let since = weather.borrow().since;
    let (there, back) = (weather.clone(), weather.clone());
    let both = async {
        let Ok(server) = target.connect().await else { return };
        let (client_read, client_write) = tokio::io::split(client);
        let (server_read, server_write) = tokio::io::split(server);
        tokio::join!(
            pump(client_read, server_write, there, since, |weather| weather.there),
            pump(server_read, client_write, back, since, |weather| weather.back)
        );
    };
    tokio::select! {
        () = both => {}
        _ = weather.wait_for(|weather| weather.is_cut) => {}
    }
}

/// Passes on what comes, as the weather is.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    weather: watch::Receiver<Weather>,
    since: u64,
    way: fn(&Weather) -> Way,
) {
    let (sender, mut waiting) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    let mut now = weather.clone();
    let read = async move {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            let due = Instant::now() + way(&weather.borrow()).delay;
            if sender.send((due, buffer[..length].to_vec())).is_err() {
                return;
            }
        }
    };
    let write = async {
        while let Some((due, bytes)) = waiting.recv().await {
            tokio::time::sleep_until(due).await;
            // Of a connection that died this waits for ever.
            let passes = now.wait_for(|weather| weather.since == since && !way(weather).is_silent).await.is_ok();
            if !passes || to.write_all(&bytes).await.is_err() {
                return;
            }
        }
        let _ = to.shutdown().await;
    };
    tokio::join!(read, write);
}
