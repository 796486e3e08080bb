import * as api from '../api'
import { fitOutput } from '../document'
import type { Data, Part } from '../protocol.gen'
import { session } from '../store.svelte'

/**
 * Puts other data into the document. What must follow from them (the number of outputs, a loss for
 * the task) follows in the same edit, so that one undo takes all of it back.
 */
export async function chooseData(part: Part): Promise<void> {
  const { document } = session
  let data: Data | null = null
  try {
    data = await api.data(part, document.seed)
  } catch {
    // Incomplete (no table yet, no points yet): the problem is shown where the data are chosen.
  }
  const before = session.kind('dataset', document.data)
  const other = before?.kind !== part.kind
  // Another problem is another run: the weights and curve of this one stay with its own data.
  if (other) session.startAfresh()
  session.edit((current) => {
    // Kinds that share a setting keep it: the features, the share of test samples.
    const name = other ? renamed(current.name, before?.title, part) : current.name
    const next = { ...current, name, data: { ...kept(current.data, part.kind), ...part } }
    return data ? fitted(next, data) : next
  }, `data ${part.kind}`)
  session.brush = { mode: part.kind === 'points' ? 'draw' : null, class: 0 }
}

/** A name that was the data's own follows the data; one that a person gave stays. */
function renamed(name: string, before: string | undefined, part: Part): string {
  const own =
    name === before ||
    session.examples.some(({ title, document }) => title === name || document.name === name)
  return (own && session.kind('dataset', part)?.title) || name
}

function fitted(document: typeof session.document, data: Data) {
  return Object.keys(document.networks).reduce(
    (fitting, network) => fitOutput(fitting, network, data, session.data?.task ?? null, unitsOf),
    document,
  )
}

/** Units of a node, also when they are not written because they are the default. */
function unitsOf(node: Part): number | null {
  const units = node.units ?? session.kind('layer', node)?.schema.properties.units?.default
  return typeof units === 'number' ? units : null
}

function kept(from: Part, kind: string): Part {
  const settings = session.kinds('dataset').find((k) => k.kind === kind)?.schema.properties ?? {}
  const shared = Object.entries(from).filter(([name]) => name === 'features' && name in settings)
  return { kind, ...Object.fromEntries(shared) }
}
