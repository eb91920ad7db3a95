//! IP addresses in conditions: `ipaddress("10.0.0.1")`, equality, `in_cidr("10.0.0.0/8")`.

use std::{net::IpAddr, sync::Arc};

use cel::{
    ExecutionError,
    common::{
        types::{self, CelBool, CelString, Type},
        value::CowVal,
    },
    objects::Opaque,
};
use ipnet::IpNet;

const NAME: &str = "IPAddress";

/// An address in canonical form: IPv4-mapped IPv6 is IPv4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct IpAddress(IpAddr);

impl Opaque for IpAddress {
    fn runtime_type_name(&self) -> &str {
        NAME
    }
}

impl IpAddress {
    pub(super) fn parse(text: &str) -> Option<IpAddress> {
        Some(IpAddress(text.parse::<IpAddr>().ok()?.to_canonical()))
    }

    pub(super) fn into_value(self) -> cel::Value {
        cel::Value::Opaque(Arc::new(self))
    }
}

fn text<'v>(argument: Option<&CowVal<'_, 'v>>) -> Result<String, ExecutionError> {
    argument
        .and_then(|argument| argument.downcast_ref::<CelString<'v>>().map(|text| text.inner().to_owned()))
        .ok_or_else(ExecutionError::missing_argument_or_target)
}

fn ipaddress<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let address = IpAddress::parse(&text(arguments.first())?)
        .ok_or_else(|| ExecutionError::function_error("ipaddress", "not an IP address"))?;
    let value: Box<dyn cel::common::value::Val> = address.into_value().try_into()?;
    Ok(CowVal::Owned(value))
}

/// A block in canonical form, as addresses are: one of IPv4-mapped IPv6 addresses is one of IPv4.
fn block(text: &str) -> Option<IpNet> {
    let (address, bits) = text.rsplit_once('/')?;
    // One way to write a length.
    let is_plain = bits == "0" || (!bits.starts_with('0') && bits.bytes().all(|digit| digit.is_ascii_digit()));
    let bits: u8 = bits.parse().ok().filter(|_| is_plain)?;
    let address: IpAddr = address.parse().ok()?;
    match (address, address.to_canonical()) {
        (IpAddr::V6(_), mapped @ IpAddr::V4(_)) if bits >= 96 => IpNet::new(mapped, bits - 96).ok(),
        _ => IpNet::new(address, bits).ok(),
    }
}

fn in_cidr<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let target = arguments.first().ok_or_else(ExecutionError::missing_argument_or_target)?;
    let cel::Value::Opaque(opaque) = cel::Value::try_from(target.as_ref())? else {
        return Err(ExecutionError::missing_argument_or_target());
    };
    let address = opaque.downcast_ref::<IpAddress>().ok_or_else(ExecutionError::missing_argument_or_target)?;
    let network = block(&text(arguments.get(1))?)
        .ok_or_else(|| ExecutionError::function_error("in_cidr", "not an address block in CIDR form"))?;
    Ok(CowVal::owned(CelBool::from(network.contains(&address.0))))
}

/// Adds the functions to an environment that does not have them.
pub(super) fn declare(env: &mut cel::Env) {
    // INVARIANT: the names are not in the standard library; were they, expressions that use them would fail to evaluate,
    // which is an error and not a grant.
    let function = env.add_overload("ipaddress", "string_to_ipaddress", vec![types::STRING_TYPE], ipaddress);
    let method = env.add_member_overload(
        "in_cidr",
        "ipaddress_in_cidr_string",
        Type::new_opaque_type(NAME),
        vec![types::STRING_TYPE],
        in_cidr,
    );
    debug_assert!(function.is_ok() && method.is_ok());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapped_blocks_hold_the_addresses_that_they_map() {
        let holds = |block_text: &str, address: &str| {
            block(block_text).map(|block| block.contains(&IpAddress::parse(address).unwrap().0))
        };
        for (block, address, wanted) in [
            ("::ffff:192.168.1.0/120", "192.168.1.7", Some(true)),
            ("::ffff:192.168.1.0/120", "::ffff:192.168.1.7", Some(true)),
            ("::ffff:192.168.1.0/120", "192.168.2.7", Some(false)),
            ("::ffff:c0a8:100/128", "192.168.1.0", Some(true)),
            ("::ffff:0:0/96", "8.8.8.8", Some(true)),
            ("::ffff:0:0/95", "8.8.8.8", Some(false)),
            ("::/0", "8.8.8.8", Some(false)),
            ("0.0.0.0/0", "::1", Some(false)),
            ("2001:db8::1/32", "2001:db8:1::7", Some(true)),
            ("10.0.0.0/08", "10.0.0.1", None),
            ("10.0.0.0/+8", "10.0.0.1", None),
            ("10.0.0.0/33", "10.0.0.1", None),
            ("10.0.0.0", "10.0.0.1", None),
            ("10.0.0.0/", "10.0.0.1", None),
        ] {
            assert_eq!(holds(block, address), wanted, "{block} {address}");
        }
    }
}
