fn sum(values: &[u32], count: usize) -> u32 {
    let start = values.as_ptr();
    let mut total = 0;
    for index in 0..count {
        total += unsafe { *start.add(index) };
    }
    total
}

fn last(text: String) -> u8 {
    let start = text.as_ptr();
    drop(text);
    unsafe { std::ptr::read_volatile(start) }
}

fn main() {
    let good: Vec<u32> = (0..10).collect();
    let count = std::env::args().count() + 9;
    println!("{} {}", sum(&good, count), good.iter().map(|n| format!("<{n}>")).collect::<Vec<_>>().join(","));
    let bad: Vec<u32> = (0..10).collect();
    println!("{}", sum(&bad, count + 1) > 0);
    println!("{}", last(String::from("freed")) > 0);
}
