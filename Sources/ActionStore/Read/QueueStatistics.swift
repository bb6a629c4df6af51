/// What a node knows of one queue.
package struct QueueStatistics: Sendable {
  /// Actions received from the topic since the queue was first seen, each once.
  package var received: UInt64 = 0
  /// Of these, those that can be read now.
  package var live: UInt64 = 0
  /// Of these, those whose TTL has passed: `received = live + expired`.
  package var expired: UInt64 = 0
  package var oldest: StoredAction?
  package var newest: StoredAction?
}

extension PageReader {
  func statistics(counters: [QueueDirectory.Counters]) -> QueueStatistics {
    var result = QueueStatistics()
    for group in groups {
      for segment in snapshot.lanes.joined() where segment.latestExpiryMilliseconds > now {
        segment.withList(of: group) { list in
          guard let list else { return }
          let live = list.live(at: now)
          result.live += UInt64(live.count)
          if let first = live.first, result.oldest.map({ first.createdMilliseconds < $0.createdMilliseconds }) ?? true {
            result.oldest = StoredAction(first, partition: group.partition, segment: segment)
          }
          if let last = live.last, result.newest.map({ last.createdMilliseconds >= $0.createdMilliseconds }) ?? true {
            result.newest = StoredAction(last, partition: group.partition, segment: segment)
          }
        }
      }
    }
    result.received = counters.reduce(0) { $0 + $1.received }
    // A batch being committed is indexed before it is counted.
    result.received = max(result.received, result.live)
    result.expired = result.received - result.live
    return result
  }

  func action(at position: ActionPosition) -> StoredAction? {
    guard let group = groups.first(where: { $0.partition == position.partition }),
      let end = snapshot.nextOffsets[position.partition], position.offset < end
    else { return nil }
    for segment in snapshot.lanes.joined()
    where segment.latestExpiryMilliseconds > now
      && segment.mayHold(partition: position.partition, after: position.offset - 1)
    {
      let entry = segment.withList(of: group) { list in
        list.flatMap { list in list.index(of: position.offset).map { list.entries[$0] } }
      }
      guard let entry else { continue }
      return entry.expiresMilliseconds > now
        ? StoredAction(entry, partition: position.partition, segment: segment) : nil
    }
    return nil
  }
}
