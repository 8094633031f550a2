//! temporary: rate of receive alone
#![allow(clippy::all, missing_docs, clippy::disallowed_methods, clippy::unwrap_used)]
use std::sync::Arc;
use tollgate::{clock::Clock, receive::{self, Input, Purpose}, rules::policy::Rulebook, store::{Db, schema}, webhook};
use tollgate_sandbox::story::mix;
#[tokio::main]
async fn main() {
    let url = std::env::args().nth(1).unwrap();
    let n: usize = std::env::args().nth(2).unwrap().parse().unwrap();
    let bodies: Vec<String> = mix(7, n, 1_760_000_000).map(|e| e.body).collect();
    let db = Db::connect(&url).await.unwrap();
    schema::migrate(&db).await.unwrap();
    let (rx, writers) = receive::open(&db, &Arc::new(Rulebook::default()), &Clock::system());
    let bodies = Arc::new(bodies);
    let next = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let d2 = db.clone();
    let cp = tokio::spawn(async move { loop { tokio::time::sleep(std::time::Duration::from_millis(200)).await; d2.checkpoint().await.ok(); } });
    let t = std::time::Instant::now();
    let mut hs = vec![];
    for _ in 0..64 { let (rx, bodies, next) = (rx.clone(), bodies.clone(), next.clone());
        hs.push(tokio::spawn(async move { loop { let i = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed); if i >= bodies.len() { break }
            let b = bodies[i].as_bytes(); let inc = webhook::read(b).unwrap(); rx.submit(Input::event(inc, b, Purpose::Delivery)).await.unwrap(); } }));
    }
    for h in hs { h.await.unwrap(); }
    let s = t.elapsed().as_secs_f64();
    println!("{n} in {s:.2}s = {:.0}/s, {} statements", n as f64 / s, db.executed());
    cp.abort(); drop(rx); writers.finish().await; db.checkpoint().await.ok(); db.close().await;
}
