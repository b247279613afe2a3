import type {PolicyKindName} from '../../catalog/live-policies.js'
import {compression} from './compression.js'
import type {ChangeBase, PolicyKind} from './kind.js'
import {refresh} from './refresh.js'
import {reorder} from './reorder.js'
import {retention} from './retention.js'

/** Every kind of policy, in the order in which reports show them. */
const registry = {compression, retention, refresh, reorder} satisfies Record<PolicyKindName, object>

type Registry = typeof registry
type RuleOf<Kind> =
  Kind extends PolicyKind<infer Rule, infer _Desired, infer _Own, infer _Facts, infer _Written> ? Rule : never
type ChangeOf<Kind> =
  Kind extends PolicyKind<infer _Rule, infer _Desired, infer Own, infer _Facts, infer _Written> ? Own : never
type WrittenOf<Kind> =
  Kind extends PolicyKind<infer _Rule, infer _Desired, infer _Own, infer _Facts, infer Written> ? Written : never

/** The declared rule of each kind. */
export type Rules = {[Name in PolicyKindName]: RuleOf<Registry[Name]>}
/** The rule of each kind as a configuration writes it. */
export type WrittenRules = {[Name in PolicyKindName]: WrittenOf<Registry[Name]>}
/** The changes that belong to one kind of policy. */
export type OwnChange = ChangeOf<Registry[PolicyKindName]>

/** A kind whose rule type the caller does not know. */
export type AnyKind = PolicyKind<unknown, unknown, ChangeBase, unknown, unknown>

export const policyKinds: readonly AnyKind[] = Object.values(registry) as unknown as AnyKind[]

export function kindNamed(name: PolicyKindName): AnyKind {
  return registry[name] as unknown as AnyKind
}

/** The kind to which a change belongs; undefined for a change that is common to all kinds. */
export function kindOfChange(change: ChangeBase): AnyKind | undefined {
  return policyKinds.find(({changes}) => changes.includes(change.do))
}
