use tollgate_stripe::{event::Event, object::{Object, Kind}, signature};
fn main(){
 let pad: String = (0..60).map(|i| format!("\n      \"field_number_{i}\": {{ \"a\": null, \"b\": [1, 2, \"some text here\"] }},")).collect();
 let price="{\"id\":\"price_1\",\"object\":\"price\",\"active\":true,\"product\":\"prod_1\",\"lookup_key\":\"pro\",\"recurring\":{\"interval\":\"month\"}}";
 let body=format!("{{\"id\":\"evt_1\",\"object\":\"event\",\"type\":\"t\",\"created\":1,\"livemode\":true,\"data\":{{\"object\":{{\"id\":\"sub_1\",\"customer\":\"cus_1\",\"status\":\"active\",{pad}\"items\":{{\"data\":[{{\"id\":\"si_1\",\"price\":{price},\"plan\":{price},\"quantity\":1,\"current_period_end\":5}}]}}}}}}}}");
 println!("{} bytes", body.len());
 let h=signature::header(body.as_bytes(), &["whsec_a"], 1);
 let n=100_000;
 let t=std::time::Instant::now();
 for _ in 0..n { signature::verify(body.as_bytes(), Some(&h), &["whsec_a"], 1, 300).unwrap(); }
 println!("verify {:?}", t.elapsed()/n);
 let t=std::time::Instant::now();
 for _ in 0..n { std::hint::black_box(Event::parse(body.as_bytes()).unwrap()); }
 println!("parse {:?}", t.elapsed()/n);
 let Event::Snapshot(e)=Event::parse(body.as_bytes()).unwrap() else {panic!()};
 let t=std::time::Instant::now();
 for _ in 0..n { std::hint::black_box(Object::read(Kind::Subscription, e.object.get()).unwrap()); }
 println!("read {:?}", t.elapsed()/n);
 let o=Object::read(Kind::Subscription, e.object.get()).unwrap();
 let t=std::time::Instant::now();
 for _ in 0..n { std::hint::black_box(o.to_stored()); }
 println!("store {:?}", t.elapsed()/n);
 let s=o.to_stored();
 let t=std::time::Instant::now();
 for _ in 0..n { std::hint::black_box(Object::parse_stored(&s).unwrap()); }
 println!("restore {:?}", t.elapsed()/n);
}
