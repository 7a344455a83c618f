// Names of every kind that v0 mangling knows: lifetimes, constants, traits with associated types, closures, function
// pointers, and letters that are not ASCII.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
pub trait Shape<T> { type Out; fn area(&self, t: T) -> Self::Out; }
pub struct Sq<'a, const N: usize, const B: bool, const C: char>(&'a [u8; N]);
impl<'a, const N: usize, const B: bool, const C: char> Shape<i32> for Sq<'a, N, B, C> { type Out = Vec<i32>; #[inline(never)] fn area(&self, t: i32) -> Vec<i32> { vec![t; self.0.len()] } }
#[inline(never)] pub fn dynam(x: &dyn Shape<i32, Out = Vec<i32>>) -> usize { x.area(3).len() }
#[inline(never)] pub fn generic<T: Debug, F: Fn(&T) -> String>(t: T, f: F) -> String { f(&t) + &format!("{:?}", t) }
#[inline(never)] pub fn pointers(f: unsafe extern "C" fn(*const u8, *mut i64, u128) -> !, g: for<'a> fn(&'a str, &'a mut (i8,)) -> &'a str) -> usize { f as usize + g as usize }
pub mod größe { #[inline(never)] pub fn länge<T>(t: &[T]) -> usize { t.len() } }
pub fn run() -> usize {
    let mut m: HashMap<String, Box<dyn Fn(i32) -> i32 + Send>> = HashMap::new();
    m.insert("a".into(), Box::new(|x| x + 1));
    let mut b = BTreeMap::new(); b.insert((1u8, 'x'), Some(vec![1.0f64]));
    let s = generic((1i8, [2u16; 3]), |t| format!("{}", t.0)) + &generic(b, |t| t.len().to_string());
    s.len() + m["a"](3) as usize + dynam(&Sq::<5, true, '∂'>(&[0; 5])) + größe::länge(&[1u128, 2])
}
pub fn consts<const I: i64>() -> i64 { I }
pub fn more() -> i64 { consts::<-77>() + consts::<{ i64::MAX }>() + pointers as usize as i64 }
