use std::cmp::Ordering;

/// A natural number of any size: 32-bit digits, the least first, no zeros at
/// the end.
#[derive(Clone)]
pub(super) struct Big(Vec<u32>);

impl Big {
    pub(super) fn new(value: u64) -> Self {
        let mut big = Big(vec![value as u32, (value >> 32) as u32]);
        big.trim();
        big
    }

    fn trim(&mut self) {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }

    /// How many bits it has.
    pub(super) fn bits(&self) -> i32 {
        match self.0.last() {
            Some(top) => self.0.len() as i32 * 32 - top.leading_zeros() as i32,
            None => 0,
        }
    }

    pub(super) fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    /// self × factor + more
    pub(super) fn scale(&mut self, factor: u32, more: u32) {
        let mut carry = u64::from(more);
        for digit in &mut self.0 {
            carry += u64::from(*digit) * u64::from(factor);
            *digit = carry as u32;
            carry >>= 32;
        }
        if carry > 0 {
            self.0.push(carry as u32);
        }
        self.trim();
    }

    pub(super) fn times_power_of_ten(&mut self, exponent: u32) {
        for _ in 0..exponent / 9 {
            self.scale(1_000_000_000, 0);
        }
        self.scale(10u32.pow(exponent % 9), 0);
    }

    pub(super) fn shift_left(&mut self, bits: u32) {
        self.scale(1 << (bits % 32), 0);
        if !self.is_zero() && bits >= 32 {
            let mut digits = vec![0; (bits / 32) as usize];
            digits.extend_from_slice(&self.0);
            self.0 = digits;
        }
    }

    pub(super) fn compare(&self, other: &Big) -> Ordering {
        let lengths = self.0.len().cmp(&other.0.len());
        lengths.then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }

    pub(super) fn plus(&self, other: &Big) -> Big {
        let mut sum = Vec::with_capacity(self.0.len().max(other.0.len()) + 1);
        let mut carry = 0;
        for i in 0..self.0.len().max(other.0.len()) {
            carry += u64::from(self.digit(i)) + u64::from(other.digit(i));
            sum.push(carry as u32);
            carry >>= 32;
        }
        sum.push(carry as u32);
        let mut sum = Big(sum);
        sum.trim();
        sum
    }

    /// Takes `other`, which is no larger, away.
    pub(super) fn subtract(&mut self, other: &Big) {
        let mut borrow = 0;
        for (i, digit) in self.0.iter_mut().enumerate() {
            let rest = i64::from(*digit) - i64::from(other.digit(i)) - borrow;
            *digit = rest as u32;
            borrow = i64::from(rest < 0);
        }
        self.trim();
    }

    fn digit(&self, i: usize) -> u32 {
        self.0.get(i).copied().unwrap_or(0)
    }
}
