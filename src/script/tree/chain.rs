//! A chain of properties, indexes and method calls as a list: `app.list[2].read_line()` is `app` and three links.
//!
//! Rhai's tree nests it to the right, so that no node stands for `app.list[2]` alone.

use rhai::{ASTFlags, BinaryExpr, Expr, Position};

/// The value at the beginning, and what follows it.
pub(in crate::script) struct Chain {
    pub(in crate::script) root: Expr,
    pub(in crate::script) links: Vec<Link>,
}

/// One `.member` or `[index]`.
#[derive(Clone)]
pub(in crate::script) struct Link {
    pub(in crate::script) member: Expr,
    pub(in crate::script) joint: Joint,
}

/// What connects a member with its owner.
#[derive(Clone, Copy)]
pub(in crate::script) struct Joint {
    is_index: bool,
    flags: ASTFlags,
    at: Position,
}

impl Chain {
    /// The list of an expression that is `Expr::Dot` or `Expr::Index`.
    pub(in crate::script) fn of(mut rest: Expr) -> Self {
        let mut root = None;
        let mut links: Vec<Link> = Vec::new();
        let mut joint = None;
        loop {
            let (pair, next, is_last) = match rest {
                Expr::Dot(pair, flags, at) => (*pair, Joint { is_index: false, flags, at }, false),
                // An index may be a chain, too; the flag says that this one ends here.
                Expr::Index(pair, flags, at) => {
                    (*pair, Joint { is_index: true, flags, at }, flags.contains(ASTFlags::BREAK))
                }
                member => {
                    match joint {
                        Some(joint) => links.push(Link { member, joint }),
                        None => root = Some(member),
                    }
                    break;
                }
            };
            match joint {
                Some(joint) => links.push(Link { member: pair.lhs, joint }),
                None => root = Some(pair.lhs),
            }
            if is_last {
                links.push(Link { member: pair.rhs, joint: next });
                break;
            }
            joint = Some(next);
            rest = pair.rhs;
        }
        Self { root: root.unwrap_or_default(), links }
    }

    /// The expression again.
    pub(in crate::script) fn into_expr(self) -> Expr {
        let mut members = vec![self.root];
        let mut joints = Vec::new();
        for link in self.links {
            members.push(link.member);
            joints.push(link.joint);
        }
        let mut built = members.pop().unwrap_or_default();
        let mut is_end = true;
        while let (Some(joint), Some(owner)) = (joints.pop(), members.pop()) {
            built = joint.between(owner, built, is_end);
            is_end = false;
        }
        built
    }
}

impl Joint {
    /// Whether it is `.`, and not `?.`.
    pub(in crate::script) fn is_dot(self) -> bool {
        !self.is_index && !self.flags.contains(ASTFlags::NEGATED)
    }

    /// Whether it is an index of any kind.
    pub(in crate::script) fn is_index(self) -> bool {
        self.is_index
    }

    /// Whether it is `[…]`, and not `?[…]`.
    pub(in crate::script) fn is_plain_index(self) -> bool {
        self.is_index && !self.flags.contains(ASTFlags::NEGATED)
    }

    /// The node of a member and its owner; `is_end`: the member is not the beginning of the rest of a chain.
    pub(in crate::script) fn between(self, owner: Expr, member: Expr, is_end: bool) -> Expr {
        let Self { is_index, mut flags, at } = self;
        let pair = Box::new(BinaryExpr { lhs: owner, rhs: member });
        if is_index {
            flags.set(ASTFlags::BREAK, is_end);
            Expr::Index(pair, flags, at)
        } else {
            Expr::Dot(pair, flags, at)
        }
    }
}
