//! A program with three kinds of leaks. Nothing here knows of Heapline.

use std::cell::RefCell;
use std::rc::Rc;

struct Person {
    name: String,
    friend: RefCell<Option<Rc<Person>>>,
}

/// Two people who know each other: neither count falls to zero.
fn friends(name: &str) -> usize {
    let first = Rc::new(Person { name: name.to_string(), friend: RefCell::new(None) });
    let second = Rc::new(Person { name: name.to_uppercase(), friend: RefCell::new(None) });
    *first.friend.borrow_mut() = Some(second.clone());
    *second.friend.borrow_mut() = Some(first.clone());
    let friend = first.friend.borrow();
    first.name.len() + friend.as_ref().map_or(0, |person| person.name.len())
}

/// A vector that the program forgets.
fn forgotten(count: usize) -> u32 {
    let numbers: Vec<u32> = (0..count as u32).collect();
    let sum = numbers.iter().sum();
    std::mem::forget(numbers);
    sum
}

fn main() {
    let count = std::env::args().count();
    println!("{} {}", friends("Ada"), forgotten(50 * count));
    println!("{}", leaky::boxed(100 * count));
}
