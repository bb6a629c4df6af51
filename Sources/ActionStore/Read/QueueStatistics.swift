package import AuditActions

/// What a node knows of one queue. Every record is counted once:
/// `received = live + expiredServed + expiredUnread + rejected`.
package struct QueueStatistics: Sendable {
  /// Records read from the topic since the store began, each once.
  package var received: UInt64 = 0
  /// Of these, those that can be read now.
  package var live: UInt64 = 0
  /// Of these, those whose TTL has passed, and those over what the queue keeps (`audit.retention`).
  package var expired: UInt64 = 0
  /// Of the expired, those that went over what the queue keeps before their TTL had passed.
  package var overRetention: UInt64 = 0
  /// Of the expired, those no reader's marker had come past before.
  package var expiredUnread: UInt64 = 0
  /// Of the received, those that broke the contract, by reason.
  package var rejectedByReason: [String: UInt64] = [:]
  package var rejected: UInt64 = 0
  /// Records that came again after they had been stored; not among the received.
  package var duplicates: UInt64 = 0
  package var oldest: StoredAction?
  package var newest: StoredAction?

  /// Of the expired, those a reader had come past while they were alive.
  package var expiredServed: UInt64 { expired - min(expired, expiredUnread) }

  /// Whether the counts add up. They are counted apart from each other, so that a lost record would show here.
  package var isBalanced: Bool { received == live + expired + rejected && expiredUnread <= expired }
}

/// The counts of all queues together.
package struct StoreBalance: Sendable {
  package var queues = 0
  package var unbalancedQueues = 0
  package var received: UInt64 = 0
  package var live: UInt64 = 0
  package var expiredServed: UInt64 = 0
  package var expiredUnread: UInt64 = 0
  package var overRetention: UInt64 = 0
  package var rejected: UInt64 = 0
  package var duplicates: UInt64 = 0
  /// Records their queues did not want, by reason; of no queue, and not among the received.
  package var dropped: [DropReason: UInt64] = [:]

  mutating func add(_ queue: QueueStatistics) {
    queues += 1
    if !queue.isBalanced { unbalancedQueues += 1 }
    received += queue.received
    live += queue.live
    expiredServed += queue.expiredServed
    expiredUnread += min(queue.expiredUnread, queue.expired)
    overRetention += queue.overRetention
    rejected += queue.rejected
    duplicates += queue.duplicates
  }
}

extension PageReader {
  func statistics() -> QueueStatistics {
    var result = QueueStatistics()
    for facts in facts {
      let counters = facts.counters
      let frontier = facts.frontier.now
      // A page may have come further than the counts looked at here.
      let reached = min(frontier.reached, counters.received)
      var indexed: UInt64 = 0
      var live: UInt64 = 0
      var liveUnread: UInt64 = 0
      for segment in snapshot.lanes.joined() {
        segment.withList(of: facts.group) { list in
          guard let list = list?.prefix(upTo: counters.received) else { return }
          indexed += UInt64(list.entries.count)
          guard segment.latestExpiryMilliseconds > now else { return }
          let alive = list.suffix(above: counters.floor.ordinal).live(at: now)
          live += UInt64(alive.count)
          liveUnread += UInt64(list.suffix(above: max(reached, counters.floor.ordinal)).live(at: now).count)
          result.note(alive.first, alive.last, partition: facts.group.partition, segment: segment)
        }
      }
      result.received += counters.received
      result.live += live
      let expired = counters.expiredUnlinked + counters.expiredOnArrival + (indexed - live)
      result.expired += expired
      // After damage records come again, and go again.
      result.overRetention += min(counters.overRetention, expired)
      result.rejected += counters.rejected
      result.duplicates += counters.duplicates
      result.rejectedByReason.merge(facts.rejections.countByReason) { $0 + $1 }
      let rejectedUnread = facts.rejections.count(in: (reached + 1)..<(counters.received + 1)) ?? 0
      let unread = counters.received - reached
      result.expiredUnread += frontier.expiredUnread + unread - min(unread, liveUnread + rejectedUnread)
    }
    return result
  }

  func action(at position: ActionPosition) -> StoredAction? {
    guard let facts = facts.first(where: { $0.group.partition == position.partition }),
      position.offset > facts.counters.floor.offset, let end = snapshot.nextOffsets[position.partition],
      position.offset < end
    else { return nil }
    let group = facts.group
    for segment in snapshot.lanes.joined()
    where segment.latestExpiryMilliseconds > now
      && segment.mayHold(partition: position.partition, after: position.offset - 1)
    {
      let entry = segment.withList(of: group) { list in
        list.flatMap { list in list.index(of: position.offset).map { list.entries[$0] } }
      }
      guard let entry else { continue }
      guard entry.expiresMilliseconds > now else { return nil }
      let action = StoredAction(entry, partition: position.partition, segment: segment)
      return snapshot.health.isDamaged ? nil : action
    }
    return nil
  }
}

extension QueueStatistics {
  fileprivate mutating func note(_ first: IndexEntry?, _ last: IndexEntry?, partition: Int32, segment: Segment) {
    if let first, oldest.map({ first.createdMilliseconds < $0.createdMilliseconds }) ?? true {
      oldest = StoredAction(first, partition: partition, segment: segment)
    }
    if let last, newest.map({ last.createdMilliseconds >= $0.createdMilliseconds }) ?? true {
      newest = StoredAction(last, partition: partition, segment: segment)
    }
  }
}
