//! Real gateways in front of an API, guarded by Moneyer's tokens: the files of `examples/gateways` as
//! they are, but for addresses and paths. Each check runs against each gateway.

mod backend;
mod checks;
mod client;
mod gateway;
mod ports;
mod world;

#[path = "../cli/process.rs"]
#[allow(dead_code, reason = "the tests of the command line use the rest")]
mod process;
#[path = "../cli/server.rs"]
#[allow(dead_code, reason = "the tests of the command line use the rest")]
mod server;
#[path = "../cli/support.rs"]
#[allow(dead_code, reason = "the tests of the command line use the rest")]
mod support;

macro_rules! tests {
    ($gateway:expr; $($module:ident: $($check:ident),+;)+) => {
        $($(
            #[test]
            fn $check() {
                $crate::checks::$module::$check(&$gateway);
            }
        )+)+
    };
}

macro_rules! every_check {
    ($name:ident, $gateway:expr) => {
        mod $name {
            tests! {
                $gateway;
                passing:
                    a_good_token_passes_with_its_identity,
                    a_token_may_be_shown_in_three_ways,
                    query_and_body_arrive_unharmed,
                    every_method_arrives,
                    the_apis_own_refusal_is_passed_on,
                    moneyer_is_told_the_truth_and_no_more;
                identity:
                    a_forged_identity_is_stripped,
                    a_forged_scope_is_stripped_when_there_is_none,
                    an_identity_cannot_be_dropped_on_the_way,
                    a_private_key_of_the_clients_goes_nowhere,
                    moneyer_cannot_be_reached_by_way_of_the_gateway;
                refusing:
                    without_a_token_nothing_passes,
                    a_malformed_token_is_refused,
                    two_tokens_are_as_good_as_none,
                    a_disabled_token_is_refused_at_the_very_next_request,
                    an_expired_token_is_refused,
                    one_request_too_many_is_refused,
                    a_missing_scope_is_refused,
                    a_path_written_otherwise_does_not_evade_the_scope,
                    a_client_cannot_change_what_is_asked;
                origins:
                    the_right_origin_passes_and_another_is_refused,
                    a_token_for_another_address_is_refused,
                    a_spoofed_address_is_not_believed,
                    the_api_learns_the_clients_own_address,
                    the_clients_own_address_is_what_counts;
                closing:
                    closed_while_moneyer_is_down_and_open_when_it_is_back,
                    a_moneyer_that_says_nothing_opens_nothing,
                    a_strange_answer_opens_nothing;
            }
        }
    };
}

every_check!(nginx, crate::gateway::NGINX);
every_check!(caddy, crate::gateway::CADDY);
every_check!(haproxy, crate::gateway::HAPROXY);
