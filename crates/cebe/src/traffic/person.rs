//! Made-up companies and their customers.

use super::Dice;

/// A made-up company.
#[derive(Debug)]
pub(crate) struct Company {
    /// Its id.
    pub(crate) id: &'static str,
    /// What people call it.
    pub(crate) name: &'static str,
    /// Where its days begin.
    pub(crate) time_zone: &'static str,
    /// Region of its phone numbers.
    pub(crate) phone_region: &'static str,
    /// Currency of its amounts.
    pub(crate) currency: &'static str,
    /// Smallest amount people pay, in that currency.
    pub(crate) amount_unit: u64,
    /// First digits of its customers' phones, as they write them; six more follow.
    phone_prefix: &'static str,
    names: &'static [&'static str],
}

impl Company {
    /// A shop in Jakarta.
    pub(crate) const JAKARTA: Self = Self {
        id: "kopi-nusantara",
        name: "Kopi Nusantara",
        time_zone: "Asia/Jakarta",
        phone_region: "ID",
        currency: "IDR",
        amount_unit: 5_000,
        phone_prefix: "0811-90",
        names: &["Ayu Lestari", "Budi Santoso", "Citra Dewi", "Dimas Pratama", "Eka Putri", "Fajar Nugroho"],
    };

    /// A shop in the United States.
    pub(crate) const PORTLAND: Self = Self {
        id: "cedar-outfitters",
        name: "Cedar Outfitters",
        time_zone: "America/Los_Angeles",
        phone_region: "US",
        currency: "USD",
        amount_unit: 1,
        phone_prefix: "(503) 2",
        names: &["Alex Moore", "Blair Hughes", "Casey Young", "Devon Price", "Emery Ross", "Finley Ward"],
    };
}

/// A made-up customer.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    /// The customer's id in the company.
    pub(crate) id: String,
    /// A name.
    pub(crate) name: String,
    /// A phone number as people write it.
    pub(crate) phone: String,
    /// An address in a domain that cannot exist.
    pub(crate) email: String,
    /// The membership's id.
    pub(crate) member_id: String,
}

impl Person {
    /// The customer of a number; the same number is the same customer.
    pub(crate) fn new(company: &Company, number: u64) -> Self {
        let name = *Dice::new(number).pick(company.names);
        let first = name.split(' ').next().unwrap_or(name).to_lowercase();
        Self {
            id: format!("cust-{number:07}"),
            name: name.to_owned(),
            phone: phone(company, number),
            email: format!("{first}.{number}@mail.example"),
            member_id: format!("member-{number:07}"),
        }
    }
}

fn phone(company: &Company, number: u64) -> String {
    let digits = format!("{:06}", number % 1_000_000);
    format!("{}{}-{}", company.phone_prefix, &digits[..2], &digits[2..])
}
