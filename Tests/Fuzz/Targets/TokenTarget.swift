import AuditActions

@testable import ActionStore

/// Markers and ids: whatever text comes, the place it names is one that was sealed for that queue, or it is refused.
final class TokenTarget: FuzzTarget {
  static let name = "tokens"
  static let share = 250_000_000

  private let sealer = TokenSealer(key: Array(0..<32))
  private let queues: [QueueAddress]
  private var markers: [(text: [UInt8], queue: Int, marker: Marker)] = []
  private var ids: [(text: [UInt8], queue: Int, position: ActionPosition)] = []
  private let mutation = Mutation(
    ["AAAA", "-", "_", "=", "+", "/", "%3D", "\0", "A", "B", "AQ"], raw: Samples.brokenText)

  init(seed: UInt64) throws {
    queues = try ["p/q", "p/q2", "p2/q"].map { key in
      let parts = key.split(separator: "/")
      return try QueueAddress(project: String(parts[0]), queue: String(parts[1]))
    }
    var random = SeededRandom(seed: seed)
    for number in 0..<48 {
      let queue = random.below(queues.count)
      let entries = (0..<(number == 0 ? 1_000 : random.below(9))).map { partition in
        Marker.Entry(
          partition: Int32(partition), offset: Int64(random.below(1 << 40)), ordinal: UInt64(random.below(1 << 40)))
      }
      let marker = Marker(entries: entries, identity: StoreIdentity(high: random.next(), low: random.next()))
      markers.append((Array(sealer.seal(marker, queue: queues[queue]).utf8), queue, marker))
      let position = ActionPosition(partition: Int32(random.below(1 << 16)), offset: Int64(random.below(1 << 40)))
      ids.append((Array(sealer.seal(id: position, queue: queues[queue]).utf8), queue, position))
    }
  }

  func run(_ random: inout SeededRandom) throws {
    let asked = random.below(queues.count)
    if random.oneIn(2) {
      let given = random.pick(markers)
      let text = damaged(given.text, random.pick(markers).text, &random)
      let opened: Marker
      do { opened = try sealer.openMarker(String(decoding: text, as: UTF8.self), queue: queues[asked]) } catch {
        guard error.code == .invalidMarker else { throw Finding("\(error)", text) }
        if text == given.text, asked == given.queue { throw Finding("a sealed marker is refused", text) }
        return
      }
      guard markers.contains(where: { $0.marker == opened && $0.queue == asked }) else {
        throw Finding("a marker nobody sealed for that queue is opened as \(opened)", text)
      }
    } else {
      let given = random.pick(ids)
      let text = damaged(given.text, random.pick(ids).text, &random)
      let opened: ActionPosition
      do { opened = try sealer.openID(String(decoding: text, as: UTF8.self), queue: queues[asked]) } catch {
        guard error.code == .invalidID else { throw Finding("\(error)", text) }
        if text == given.text, asked == given.queue { throw Finding("a sealed id is refused", text) }
        return
      }
      guard ids.contains(where: { $0.position == opened && $0.queue == asked }) else {
        throw Finding("an id nobody sealed for that queue is opened as \(opened)", text)
      }
    }
  }

  private func damaged(_ text: [UInt8], _ other: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    switch random.below(8) {
    case 0: return text
    case 1:
      // Right in form: one character is another, often the last, whose spare bits carry nothing.
      var text = text
      text[random.oneIn(2) ? text.count - 1 : random.below(text.count)] = random.pick(alphabet)
      return text
    case 2:
      return (0..<random.pick([22, 22, 44, 71, random.below(200)])).map { _ in random.pick(alphabet) }
    default: return mutation.apply(to: text, with: other, &random)
    }
  }
}
