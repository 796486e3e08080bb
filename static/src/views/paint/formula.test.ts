import { expect, test } from 'vitest'
import { activated, formula, plain, weightedSum } from './formula'

const neuron = { activation: 'tanh', names: ['x₁', 'x₂'], weights: [0.42, -1.3], bias: 0.1 }

test('a neuron is written with its live numbers', () => {
  expect(plain(formula(neuron))).toBe('a = tanh(0.420·x₁ − 1.30·x₂ + 0.100)')
  expect(plain(formula({ ...neuron, activation: 'linear', bias: null }))).toBe(
    'a = 0.420·x₁ − 1.30·x₂',
  )
  expect(plain(formula({ ...neuron, activation: 'leaky_relu', weights: [-1, 2] }))).toBe(
    'a = leaky relu(−1.00·x₁ + 2.00·x₂ + 0.100)',
  )
})

test('terms past the limit are counted', () => {
  expect(plain(formula(neuron, 1))).toBe('a = tanh(0.420·x₁ + … (1) + 0.100)')
})

test('the arithmetic of one input ends in its sum and its activation', () => {
  expect(plain(weightedSum(neuron, [1.2, -0.5], 1.254))).toBe(
    'z = 0.420·1.20 − 1.30·(−0.500) + 0.100 = 1.25',
  )
  expect(plain(activated('tanh', 1.254, 0.849))).toBe('a = tanh(1.25) = 0.849')
  expect(plain(activated('linear', 1.254, 1.254))).toBe('a = z = 1.25')
})

test('signs carry their colours', () => {
  const tones = formula(neuron).flatMap(({ tone }) => (tone && tone !== 'name' ? [tone] : []))
  expect(tones).toEqual(['positive', 'negative', 'positive'])
})
