//! `Ask`: calls of a connection that wait and have one argument, such as `conn.read(64)`, `conn.read_until("> ")`.
//!
//! Rhai would look for the function by the types of its arguments, and the copy of a connection that a closure shares would be
//! put into a new expression. Here the function is known. Anything that it is not for, Rhai evaluates.

use rhai::{Dynamic, Expr, ImmutableString, NativeCallContext, Position};

use super::nodes::{Got, placed};
use super::variables::Variables;
use crate::script::api::conn::Conn;
use crate::script::api::reading::Asking;
use crate::script::engine::Fault;
use crate::script::host::Host;

/// A call with one argument, a constant or a local variable, whose value is kept while it waits.
pub(super) struct Ask {
    pub(super) conn: ImmutableString,
    pub(super) call: Asking,
    pub(super) argument: Expr,
    pub(super) at: Position,
    pub(super) original: Expr,
    /// It may be left without its stack, and made again.
    pub(super) can_be_left: bool,
}

impl Ask {
    /// Not within the evaluation of any node, whose frame stays on the stack of a task that waits.
    #[inline(never)]
    pub(super) fn evaluate(&self, variables: &mut impl Variables, host: &Host) -> Result<Dynamic, Fault> {
        match variables.conn(&self.conn) {
            Some(conn) => {
                let argument = self.argument(variables)?;
                self.made_on(&conn, &argument, variables, host).map(Got::into_value)
            }
            None => variables.evaluate(&self.original),
        }
    }

    /// The value of its argument.
    pub(super) fn argument(&self, variables: &mut impl Variables) -> Result<Dynamic, Fault> {
        match &self.argument {
            Expr::IntegerConstant(number, _) => Ok(Dynamic::from_int(*number)),
            Expr::StringConstant(text, _) => Ok(text.clone().into()),
            other => variables.evaluate(other).map(Dynamic::flatten),
        }
    }

    /// Makes the call on its connection.
    #[inline(never)]
    pub(super) fn made_on(
        &self,
        conn: &Conn,
        argument: &Dynamic,
        variables: &mut impl Variables,
        host: &Host,
    ) -> Result<Got, Fault> {
        let result = match (self.call, argument.as_int()) {
            (Asking::Bytes(ask), Ok(number)) => ask(host, conn, number).map(Got::from),
            (Asking::Value(ask), Ok(number)) => ask(host, conn, number).map(Got::Value),
            (Asking::Any(ask), _) => {
                let (engine, global) = variables.environment();
                let source = global.source().map(str::to_owned);
                let context = NativeCallContext::new_with_all_fields(engine, "", source.as_deref(), global, self.at);
                ask(&context, host, conn, argument).map(Got::Value)
            }
            _ => return variables.evaluate(&self.original).map(Got::Value),
        };
        result.map_err(|fault| placed(fault, self.at))
    }
}
