// The workload as bench/tree/workload.ts draws it: the same numbers in the same order.

pub const PAGE: u64 = 4096;
pub const QUERIES: usize = 1 << 20;
const BASE: u64 = 1 << 32;

struct Draw(u32);

impl Draw {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }
    fn permutation(&mut self, n: usize) -> Vec<u32> {
        let mut order: Vec<u32> = (0..n as u32).collect();
        for i in (1..n).rev() {
            order.swap(i, self.next() as usize % (i + 1));
        }
        order
    }
}

pub struct Workload {
    pub n: usize,
    pub firsts: Vec<u64>,
    pub lasts: Vec<u64>,
    pub insert_order: Vec<u32>,
    pub erase_order: Vec<u32>,
    pub keys: Vec<u64>,
}

pub fn workload(n: usize) -> Workload {
    let mut draw = Draw(0x9e37_79b9);
    let (mut firsts, mut lasts) = (Vec::with_capacity(n), Vec::with_capacity(n));
    let mut position = BASE;
    for _ in 0..n {
        let gap = 1 + (draw.next() % 16) as u64;
        let pages = 1 + (draw.next() % 64) as u64;
        firsts.push(position + gap * PAGE);
        lasts.push(position + (gap + pages) * PAGE - 1);
        position += (gap + pages) * PAGE;
    }
    let insert_order = draw.permutation(n);
    let erase_order = draw.permutation(n);
    let keys = (0..QUERIES)
        .map(|_| {
            let j = draw.next() as usize % n;
            firsts[j] + draw.next() as u64 % (lasts[j] - firsts[j] + 1)
        })
        .collect();
    Workload { n, firsts, lasts, insert_order, erase_order, keys }
}
