use fathometer_engine::engine::*; use fathometer_engine::input::*; use fathometer_engine::instrument::*; use fathometer_engine::output::*; use fathometer_engine::units::*; use std::io::Read; use std::time::Instant;
struct W{t:Instant,d:[u64;3]}
impl Stopwatch for W{fn lap(&mut self,s:Stage){let n=Instant::now();self.d[s as usize]+=(n-self.t).as_nanos() as u64;self.t=n;}}
fn main(){
 let f=std::env::args().nth(1).unwrap(); let sym=std::env::args().nth(2).unwrap(); let mut text=vec![]; flate2::read::GzDecoder::new(std::fs::File::open(f).unwrap()).read_to_end(&mut text).unwrap();
 let req=format!("/fapi/v1/depth?symbol={sym}&limit=1000");
 let depth_only=std::env::args().nth(3).is_some();
 let mut ins=vec![]; for line in text.split(|b|*b==b'\n').filter(|l|!l.is_empty()){ let sp=line.iter().position(|b|*b==b' ').unwrap(); let at:i64=std::str::from_utf8(&line[..sp]).unwrap().parse().unwrap(); let at=Nanos(if at<100_000_000_000_000_000{at*1000}else{at}); let fr=&line[sp+1..];
  let snap=fr.starts_with(b"{\"last"); if depth_only && !snap && !fr.windows(12).take(60).any(|w|w==b"depthUpdate\""){continue}
  ins.push(Input{at,link:LinkId(0),body: if snap {Body::Reply{sent:at,request:&req,status:200,body:fr}} else {Body::Text(fr)}});}
 for round in 0..std::env::var("R").map(|r|r.parse().unwrap()).unwrap_or(8) { let mut e=Engine::new(Config::default()); let mut out=Outbox::default(); let mut w=W{t:Instant::now(),d:[0;3]};
  e.step(&Input{at:Nanos(1),link:LinkId(0),body:Body::Open{venue:Venue::BinanceUsdm,leg:Leg::A,url:"x"}},&mut out,&mut NoStopwatch);
  let t=Instant::now(); let mut n=0u64; for i in &ins { out.clear(); e.step(i,&mut out,&mut NoStopwatch); n+=out.items.len() as u64;} let el=t.elapsed().as_nanos() as f64;
  if round%2==0 {println!("{} frames {:.0} ns/frame outputs {n}",ins.len(),el/ins.len() as f64);} else {
  let mut e=Engine::new(Config::default()); e.step(&Input{at:Nanos(1),link:LinkId(0),body:Body::Open{venue:Venue::BinanceUsdm,leg:Leg::A,url:"x"}},&mut out,&mut NoStopwatch);
  for i in &ins { out.clear(); w.t=Instant::now(); e.step(i,&mut out,&mut w); } println!("  stages {:?}",w.d.map(|d|d as f64/ins.len() as f64)); }
 }}
