//! Made-up companies and their customers.

use super::Dice;

/// A made-up company.
#[derive(Clone, Debug)]
pub struct Company {
    /// Its id.
    pub id: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// Where its days begin.
    pub time_zone: &'static str,
    /// Region of its phone numbers.
    pub phone_region: &'static str,
    /// Currency of its amounts.
    pub currency: &'static str,
    /// Smallest amount people pay, in that currency.
    pub amount_unit: u64,
    /// First digits of its customers' phones, as they write them; six more follow.
    phone_prefix: &'static str,
    names: &'static [&'static str],
}

impl Company {
    /// A shop in Jakarta.
    pub const JAKARTA: Self = Self {
        id: "kopi-nusantara",
        name: "Kopi Nusantara",
        time_zone: "Asia/Jakarta",
        phone_region: "ID",
        currency: "IDR",
        amount_unit: 5_000,
        phone_prefix: "0811-90",
        names: &["Ayu Lestari", "Budi Santoso", "Citra Dewi", "Dimas Pratama", "Eka Putri", "Fajar Nugroho"],
    };

    /// One of many shops.
    pub fn numbered(number: u64) -> Self {
        let like = if number.is_multiple_of(2) { Self::JAKARTA } else { Self::PORTLAND };
        like.called(format!("shop-{number:05}"))
    }

    /// A shop of this id, with everything else like Jakarta's.
    pub fn named(id: String) -> Self {
        Self::JAKARTA.called(id)
    }

    /// The name is made once and lives as long as the process.
    fn called(self, id: String) -> Self {
        let id: &'static str = Box::leak(id.into_boxed_str());
        Self { id, name: id, ..self }
    }

    /// A shop in the United States.
    pub const PORTLAND: Self = Self {
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
pub struct Person {
    /// The customer's id in the company.
    pub id: String,
    /// A name.
    pub name: String,
    /// A phone number as people write it.
    pub phone: String,
    /// An address in a domain that cannot exist.
    pub email: String,
    /// The membership's id.
    pub member_id: String,
}

impl Person {
    /// The customer of a number; the same number is the same customer.
    pub fn new(company: &Company, number: u64) -> Self {
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
