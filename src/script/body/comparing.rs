//! `Compare`: a comparison with the time, such as `now_ms() < stop`, which loops that run for a while make in each round.
//!
//! Rhai looks for `now_ms` by its name and calls it with an environment of its own. Here both sides are whole numbers that are
//! at hand; of anything else Rhai evaluates the comparison.

use rhai::{Dynamic, Expr, FnCallExpr, INT, ImmutableString};

use super::function::Known;
use super::variables::Variables;
use crate::script::api::globals;
use crate::script::engine::Fault;

/// A comparison with the time.
pub(super) struct Compare {
    left: Side,
    right: Side,
    holds: fn(&INT, &INT) -> bool,
    original: Expr,
}

/// One side of it.
enum Side {
    /// `now_ms()`
    Now,
    Number(INT),
    Variable(ImmutableString),
}

impl Compare {
    /// The comparison that a call is, if it is one with the time. `local`: the local variable that an expression is.
    pub(super) fn of(
        call: &FnCallExpr,
        original: &Expr,
        known: &Known<'_>,
        local: impl Fn(&Expr) -> Option<ImmutableString>,
    ) -> Option<Self> {
        call.op_token.as_ref()?;
        let [left, right] = &*call.args else { return None };
        let holds = match call.name.as_str() {
            "<" => INT::lt,
            "<=" => INT::le,
            ">" => INT::gt,
            ">=" => INT::ge,
            "==" => |left: &INT, right: &INT| left == right,
            "!=" => |left: &INT, right: &INT| left != right,
            _ => return None,
        };
        let side = |expression: &Expr| match expression {
            Expr::IntegerConstant(number, _) => Some(Side::Number(*number)),
            Expr::FnCall(call, _) if is_now(call, known) => Some(Side::Now),
            other => local(other).map(Side::Variable),
        };
        let (left, right) = (side(left)?, side(right)?);
        let is_about_time = matches!(left, Side::Now) || matches!(right, Side::Now);
        is_about_time.then(|| Self { left, right, holds, original: original.clone() })
    }

    pub(super) fn evaluate(&self, variables: &mut impl Variables) -> Result<Dynamic, Fault> {
        match (self.left.value(variables), self.right.value(variables)) {
            (Some(left), Some(right)) => Ok((self.holds)(&left, &right).into()),
            _ => variables.evaluate(&self.original),
        }
    }
}

impl Side {
    fn value(&self, variables: &impl Variables) -> Option<INT> {
        match self {
            Self::Now => Some(globals::now_ms()),
            Self::Number(number) => Some(*number),
            Self::Variable(name) => variables.number(name),
        }
    }
}

/// Whether a call is one of `now_ms()`, and the script has no function of that name.
fn is_now(call: &FnCallExpr, known: &Known<'_>) -> bool {
    call.name == "now_ms" && call.args.is_empty() && !call.is_qualified() && !(known.is_own)("now_ms", 0)
}
