//! The syntax tree of a compiled text, to be changed in place.
//!
//! Owns the way through all statements and expressions of a function. What is changed, the implementations of [`Rewrite`] say.

mod chain;

pub(super) use chain::{Chain, Joint, Link};

use rhai::{Expr, FlowControl, Stmt};

/// A change of a function: it is shown every chain and every assignment, the inner ones by its own doing.
pub(super) trait Rewrite {
    /// Changes an expression that is `Expr::Dot` or `Expr::Index`, and what is in it.
    fn chain(&mut self, expression: &mut Expr);

    /// Changes what is evaluated for the left side of an assignment.
    fn target(&mut self, target: &mut Expr);

    /// Changes what `for` goes over.
    fn iterated(&mut self, expression: &mut Expr) {
        self.expression(expression);
    }

    /// Changes a call of a function whose arguments were changed.
    fn called(&mut self, _: &mut Expr) {}

    /// Changes a node of ours.
    fn custom(&mut self, _: &mut Expr) {}

    /// Changes a statement whose parts were changed.
    fn done(&mut self, _: &mut Stmt) {}

    /// What follows is in a loop, or no more.
    fn in_loop(&mut self, _: bool) {}

    fn statements(&mut self, statements: &mut [Stmt]) {
        for statement in statements {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &mut Stmt) {
        match statement {
            Stmt::If(flow, _) | Stmt::TryCatch(flow, _) => self.flow(flow),
            Stmt::While(flow, _) | Stmt::Do(flow, ..) => {
                self.in_loop(true);
                self.flow(flow);
                self.in_loop(false);
            }
            Stmt::For(each, _) => {
                self.in_loop(true);
                self.iterated(&mut each.2.expr);
                self.statements(each.2.body.statements_mut());
                self.statements(each.2.branch.statements_mut());
                self.in_loop(false);
            }
            Stmt::Switch(switch, _) => {
                self.expression(&mut switch.0);
                for case in &mut switch.1.expressions {
                    self.expression(&mut case.lhs);
                    self.expression(&mut case.rhs);
                }
            }
            Stmt::Var(variable, ..) => self.expression(&mut variable.1),
            Stmt::Assignment(assignment) => {
                self.target(&mut assignment.1.lhs);
                self.expression(&mut assignment.1.rhs);
            }
            Stmt::FnCall(call, _) => self.expressions(&mut call.args),
            Stmt::Block(block) => self.statements(block.statements_mut()),
            Stmt::Expr(expression) => self.expression(expression),
            Stmt::BreakLoop(Some(value), ..) | Stmt::Return(Some(value), ..) => self.expression(value),
            Stmt::Import(import, _) => self.expression(&mut import.0),
            _ => {}
        }
        self.done(statement);
    }

    fn flow(&mut self, flow: &mut FlowControl) {
        self.expression(&mut flow.expr);
        self.statements(flow.body.statements_mut());
        self.statements(flow.branch.statements_mut());
    }

    fn expressions<'e>(&mut self, expressions: impl IntoIterator<Item = &'e mut Expr>) {
        for expression in expressions {
            self.expression(expression);
        }
    }

    fn expression(&mut self, expression: &mut Expr) {
        match expression {
            Expr::Dot(..) | Expr::Index(..) => self.chain(expression),
            Expr::InterpolatedString(parts, _) | Expr::Array(parts, _) => self.expressions(parts),
            Expr::And(parts, _) | Expr::Or(parts, _) | Expr::Coalesce(parts, _) => self.expressions(parts.iter_mut()),
            Expr::Map(map, _) => self.expressions(map.0.iter_mut().map(|(_, value)| value)),
            Expr::FnCall(call, _) => {
                self.expressions(&mut call.args);
                self.called(expression);
            }
            Expr::MethodCall(call, _) => self.expressions(&mut call.args),
            Expr::Stmt(block) => self.statements(block.statements_mut()),
            Expr::Custom(custom, _) => {
                self.expressions(&mut custom.inputs);
                self.custom(expression);
            }
            _ => {}
        }
    }
}
