// The opponent of the range-store benchmark outside JavaScript: Rust's BTreeMap as a range map. One process at one size; reads a metric per line, answers a line of JSON.
//
// Forms the same digests as bench/tree/sampler.ts. The standard library only: rustc -O range-map.rs.

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::io::{self, BufRead, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

mod workload;
use workload::{workload, Workload, PAGE, QUERIES};

/// Counts what is allocated now.
struct Counting;
static LIVE: AtomicUsize = AtomicUsize::new(0);

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.store(LIVE.load(Ordering::Relaxed) + layout.size(), Ordering::Relaxed);
        System.alloc(layout)
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        LIVE.store(LIVE.load(Ordering::Relaxed) - layout.size(), Ordering::Relaxed);
        System.dealloc(at, layout)
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// First index to last index and value.
type Map = BTreeMap<u64, (u64, u32)>;

const PIECES: usize = 16;
const LEAST_WRITES: usize = 65536;
const ITERATED: usize = 1 << 18;
const METRICS: &str = r#"["insert_seq","insert_rand","load","load_dep","walk","replace","split_restore","iter","dup","erase_rand","bulk","bytes_rand","bytes_bulk"]"#;

fn load(map: &Map, index: u64) -> u32 {
    match map.range(..=index).next_back() {
        Some((_, &(last, value))) if last >= index => value,
        _ => 0,
    }
}

/// False, and nothing changed, when the range overlaps another one.
fn insert(map: &mut Map, first: u64, last: u64, value: u32) -> bool {
    if let Some((_, &(end, _))) = map.range(..=last).next_back() {
        if end >= first {
            return false;
        }
    }
    map.insert(first, (last, value));
    true
}

fn erase(map: &mut Map, index: u64) -> u32 {
    let first = match map.range(..=index).next_back() {
        Some((&first, &(last, _))) if last >= index => first,
        _ => return 0,
    };
    map.remove(&first).map_or(0, |(_, value)| value)
}

/// Writes over whatever is there: ranges at the ends are cut.
fn store(map: &mut Map, first: u64, last: u64, value: u32) {
    while let Some((&from, entry)) = map.range_mut(..=last).next_back() {
        let (to, old) = *entry;
        if to < first {
            break;
        }
        if from == first {
            // The new range takes the old one's place.
            *entry = (last, value);
            if to > last {
                map.insert(last + 1, (to, old));
            }
            return;
        }
        if from < first {
            entry.0 = first - 1;
        } else {
            map.remove(&from);
        }
        if to > last {
            map.insert(last + 1, (to, old));
        }
        if from < first {
            break;
        }
    }
    map.insert(first, (last, value));
}

fn contents(maps: &[Map]) -> u32 {
    let mut hash = 0u32;
    for map in maps {
        for (&first, &(_, value)) in map {
            hash = hash.wrapping_mul(31).wrapping_add(((first / 1024) as u32).wrapping_mul(7)).wrapping_add(value);
        }
    }
    hash
}

struct Sampler {
    work: Workload,
    maps: Vec<Map>,
    built: bool,
}

fn nanoseconds(start: Instant, operations: usize) -> f64 {
    start.elapsed().as_nanos() as f64 / operations as f64
}

impl Sampler {
    fn clear(&mut self) {
        for map in &mut self.maps {
            map.clear();
        }
    }

    fn insert_random(&mut self) -> usize {
        let work = &self.work;
        let mut done = 0;
        for map in &mut self.maps {
            for &i in &work.insert_order {
                done += insert(map, work.firsts[i as usize], work.lasts[i as usize], i + 1) as usize;
            }
        }
        done
    }

    fn build(&mut self) {
        if !self.built {
            self.clear();
            self.insert_random();
            self.built = true;
        }
    }

    fn bulk(&mut self) {
        let work = &self.work;
        for map in &mut self.maps {
            *map = (0..work.n).map(|i| (work.firsts[i], (work.lasts[i], i as u32 + 1))).collect();
        }
    }

    fn pieces(&mut self, run: impl Fn(&Map, &[u64]) -> u32) -> (f64, u32) {
        self.build();
        let (mut times, mut digest) = (Vec::new(), 0u32);
        for from in (0..QUERIES).step_by(QUERIES / PIECES) {
            let start = Instant::now();
            let sum = black_box(run(black_box(&self.maps[0]), &self.work.keys[from..from + QUERIES / PIECES]));
            times.push(nanoseconds(start, QUERIES / PIECES));
            digest = digest.wrapping_add(sum);
        }
        times.sort_by(f64::total_cmp);
        ((times[PIECES / 2 - 1] + times[PIECES / 2]) / 2.0, digest)
    }

    fn sample(&mut self, metric: &str) -> Result<(f64, u32), String> {
        let all = self.work.n * self.maps.len();
        match metric {
            "insert_seq" => {
                self.built = false;
                self.clear();
                let start = Instant::now();
                let work = &self.work;
                for map in &mut self.maps {
                    for i in 0..work.n {
                        if !insert(map, work.firsts[i], work.lasts[i], i as u32 + 1) {
                            return Err("an insert was refused".into());
                        }
                    }
                }
                Ok((nanoseconds(start, all), contents(&self.maps)))
            }
            "insert_rand" => {
                self.clear();
                let start = Instant::now();
                let done = self.insert_random();
                let time = nanoseconds(start, all);
                self.built = true;
                if done == all { Ok((time, contents(&self.maps))) } else { Err(format!("{done} of {all} inserts were done")) }
            }
            "load" => Ok(self.pieces(|map, keys| keys.iter().fold(0u32, |sum, &key| sum.wrapping_add(load(map, key))))),
            "load_dep" => Ok(self.pieces(|map, keys| {
                let (mut sum, mut before) = (0u32, 0u32);
                for q in 0..keys.len() {
                    // Adds nothing: values are below 2^31. But the key is known only when the answer before it is.
                    before = load(map, keys[q + (before >> 31) as usize]);
                    sum = sum.wrapping_add(before);
                }
                sum
            })),
            "walk" => Ok(self.pieces(|map, keys| {
                let (mut sum, mut lengths) = (0u32, 0u64);
                for &key in keys {
                    if let Some((&first, &(last, value))) = map.range(..=key).next_back() {
                        if last >= key {
                            sum = sum.wrapping_add(value);
                            lengths += last - first + 1;
                        }
                    }
                }
                sum.wrapping_add((lengths / PAGE) as u32)
            })),
            "replace" => {
                self.build();
                let shift = self.work.n as u32;
                let start = Instant::now();
                self.replace(shift);
                let time = nanoseconds(start, all);
                let digest = contents(&self.maps);
                self.replace(0);
                Ok((time, digest))
            }
            "split_restore" => {
                self.build();
                let start = Instant::now();
                let work = &self.work;
                for map in &mut self.maps {
                    for &i in &work.erase_order {
                        let first = work.firsts[i as usize];
                        store(map, first + 1024, first + 2047, i + 1 + work.n as u32);
                        store(map, first, work.lasts[i as usize], i + 1);
                    }
                }
                Ok((nanoseconds(start, 2 * all), contents(&self.maps)))
            }
            "iter" => {
                self.build();
                let times = (ITERATED / self.work.n).max(1);
                let mut digest = 0u32;
                let start = Instant::now();
                for _ in 0..times {
                    let (mut sum, mut lengths) = (0u32, 0u64);
                    for (&first, &(last, value)) in black_box(&self.maps[0]) {
                        sum = sum.wrapping_add(value);
                        lengths += last - first + 1;
                    }
                    digest = digest.wrapping_add(black_box(sum.wrapping_add((lengths / PAGE) as u32)));
                }
                Ok((nanoseconds(start, self.work.n * times), digest))
            }
            "dup" => {
                self.build();
                let start = Instant::now();
                let copies = black_box(self.maps.clone());
                let time = nanoseconds(start, all);
                Ok((time, contents(&copies)))
            }
            "erase_rand" => {
                self.build();
                self.built = false;
                let mut sum = 0u32;
                let start = Instant::now();
                let work = &self.work;
                for map in &mut self.maps {
                    for &i in &work.erase_order {
                        sum = sum.wrapping_add(erase(map, work.firsts[i as usize]));
                    }
                }
                Ok((nanoseconds(start, all), sum))
            }
            "bulk" => {
                self.built = false;
                self.clear();
                let start = Instant::now();
                self.bulk();
                Ok((nanoseconds(start, all), contents(&self.maps)))
            }
            "bytes_rand" | "bytes_bulk" => {
                self.built = false;
                self.clear();
                let before = LIVE.load(Ordering::Relaxed);
                if metric == "bytes_rand" {
                    self.insert_random();
                } else {
                    self.bulk();
                }
                let bytes = LIVE.load(Ordering::Relaxed) - before;
                Ok((bytes as f64 / all as f64, contents(&self.maps)))
            }
            _ => Err(format!("no metric {metric}")),
        }
    }

    fn replace(&mut self, shift: u32) {
        let work = &self.work;
        for map in &mut self.maps {
            for &i in &work.erase_order {
                store(map, work.firsts[i as usize], work.lasts[i as usize], i + 1 + shift);
            }
        }
    }
}

fn main() {
    let n: usize = std::env::args().nth(1).and_then(|text| text.parse().ok()).expect("usage: range-map RANGES");
    let trees = (LEAST_WRITES / n).max(1);
    let mut sampler = Sampler { work: workload(n), maps: (0..trees).map(|_| Map::new()).collect(), built: false };
    let mut out = io::stdout();
    writeln!(out, "{{\"metrics\":{METRICS}}}").unwrap();
    for line in io::stdin().lock().lines() {
        match sampler.sample(line.unwrap().trim()) {
            Ok((value, digest)) => writeln!(out, "{{\"value\":{value},\"digest\":{digest}}}").unwrap(),
            Err(error) => writeln!(out, "{{\"error\":\"{error}\"}}").unwrap(),
        }
        out.flush().unwrap();
    }
}
