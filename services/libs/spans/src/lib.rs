#![doc = include_str!("../README.md")]

use proc_macro::TokenStream;
use quote::quote;
use syn::{Error, ItemFn, LitStr, ReturnType, parse_macro_input};

/// For a function that asks the database: each call is a span and an observation of `db_query_duration_seconds`, both under the function's name.
///
/// ```ignore
/// #[query]
/// pub async fn by_id(db: impl PgExecutor<'_>, id: ProductId) -> sqlx::Result<Option<Offer>> { … }
/// ```
#[proc_macro_attribute]
pub fn query(arguments: TokenStream, function: TokenStream) -> TokenStream {
    parse_macro_input!(arguments as syn::parse::Nothing);
    let ItemFn { attrs, vis, sig, block } = parse_macro_input!(function as ItemFn);
    let Some(output) = output(&sig) else { return refuse(&sig) };
    let name = sig.ident.to_string();
    quote! {
        #(#attrs)* #vis #sig {
            static QUERY: ::shop_runtime::db::Query = ::shop_runtime::db::Query::new(::core::module_path!(), #name);
            QUERY.run::<#output, _>(async move #block).await
        }
    }
    .into()
}

/// For a function that does something which a customer or the shop has a word for: each call is a span of that name.
///
/// ```ignore
/// #[traced("add_to_cart")]
/// pub async fn add(&self, owner: CartOwner, item: Item) -> Result<Cart, Error> { … }
/// ```
#[proc_macro_attribute]
pub fn traced(arguments: TokenStream, function: TokenStream) -> TokenStream {
    let name = parse_macro_input!(arguments as LitStr);
    let ItemFn { attrs, vis, sig, block } = parse_macro_input!(function as ItemFn);
    let Some(output) = output(&sig) else { return refuse(&sig) };
    quote! {
        #(#attrs)* #vis #sig {
            ::shop_runtime::span::Span::internal(#name).run(::shop_runtime::span::of_output::<#output, _>(async move #block)).await
        }
    }
    .into()
}

/// What the function returns, if it is one that a span can be made of.
fn output(sig: &syn::Signature) -> Option<&syn::Type> {
    match &sig.output {
        ReturnType::Type(_, output) if sig.asyncness.is_some() => Some(output),
        _ => None,
    }
}

/// Says at the function's signature why it can't be.
fn refuse(sig: &syn::Signature) -> TokenStream {
    Error::new_spanned(sig, "this attribute is for async functions that return a Result").into_compile_error().into()
}
