use std::fs::File;
use std::net::TcpListener;
use std::sync::Mutex;

/// Where the kernel takes no port by itself for whoever asks for any, or connects (Linux: from 32768).
const FROM: u16 = 20_000;
const COUNT: u16 = 12_000;

/// A port on loopback that nobody listens at, and that no other test is given while this process lives: a server may be
/// started on it later, killed, and started again.
pub fn free_port() -> u16 {
    static HELD: Mutex<Vec<File>> = Mutex::new(Vec::new());
    let mut held = HELD.lock().unwrap();
    let folder = std::env::temp_dir().join("usher-test-ports");
    std::fs::create_dir_all(&folder).unwrap();
    // Processes begin at places of their own, so that they seldom try the same.
    let begin = (std::process::id() % u32::from(COUNT)) as u16;
    for step in 0..COUNT {
        let port = FROM + (begin.wrapping_mul(97) % COUNT + step) % COUNT;
        let file = File::options().create(true).append(true).open(folder.join(port.to_string())).unwrap();
        if file.try_lock().is_ok() && TcpListener::bind(("127.0.0.1", port)).is_ok() {
            held.push(file);
            return port;
        }
    }
    panic!("no port is free from {FROM} on");
}
