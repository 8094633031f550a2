//! Scratch.
mod world;
use world::*;
#[tokio::test(flavor = "multi_thread")]
async fn shot() {
    let world = World::with(&[], |it| it.dev = true).await;
    let url = format!("http://{}/", world.server.address());
    let snap = async |name: &str, w: u32, h: u32, dark: bool| {
        let mut c = tokio::process::Command::new("chromium");
        c.args([
            "--headless=new",
            "--no-sandbox",
            "--hide-scrollbars",
            "--disable-gpu",
            "--virtual-time-budget=1500",
        ]);
        if dark {
            c.arg("--blink-settings=preferredColorScheme=0");
        } else {
            c.arg("--blink-settings=preferredColorScheme=1");
        }
        c.arg(format!("--window-size={w},{h}"))
            .arg(format!("--screenshot=/tmp/shots/{name}.png"))
            .arg(&url);
        let _ = tokio::time::timeout(std::time::Duration::from_secs(40), c.output()).await;
    };
    snap("empty-1200-light", 1200, 800, false).await;
    snap("empty-375-dark", 500, 900, true).await;
    world.tell(&subscription_of("ada", 1)).await;
    for (i, n) in ["cancel_now", "renewal_fails", "one_time_purchase"].iter().enumerate() {
        let cast = tollgate_sandbox::story::Cast {
            user: Some(["bob", "carol@example.com", "dora"][i].to_owned()),
            ..tollgate_sandbox::story::Cast::new(50 + i as u64, NOW - 3600)
        };
        world.tell(&tollgate_sandbox::story::story_until(n, &cast, NOW).unwrap()).await;
    }
    let dup = subscription_of("ada", 1);
    world.tell(&dup[..2]).await;
    let body = format!(
        r#"{{"id":"evt_x","object":"event","type":"customer.created","created":{NOW},"livemode":false,"data":{{"object":{{}}}}}}"#
    );
    world.clock.advance(std::time::Duration::from_secs(61));
    world.deliver(body.as_bytes()).await;
    let body = body.replace("customer.created", "moon.rose").replace("evt_x", "evt_y");
    world.deliver(body.as_bytes()).await;
    snap("full-1200-light", 1200, 1500, false).await;
    snap("full-1200-dark", 1200, 1500, true).await;
    snap("full-375-light", 500, 1800, false).await;
    snap("full-375-dark", 500, 1800, true).await;
    world.end().await;
}
