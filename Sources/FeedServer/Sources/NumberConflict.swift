import ActionStore
import AuditActions

/// What is sent has the number of an action that came before, and is another one.
struct NumberConflict: Sendable, Equatable {
  /// Of the body that was sent.
  let sent: ContentDigest
  /// Of the body that came; nil where it cannot be read any more, and only a checksum of it is remembered.
  var stored: ContentDigest?
  /// The queue it came for, if that is another one.
  var storedQueue: String?

  /// - Parameter post: what is sent.
  init(_ post: NumberedPost) { sent = ContentDigest(post.body) }

  static let status = 409

  var detail: String {
    "another action of that source and log has this number"
      + (storedQueue.map { ", in queue '\($0)'" } ?? "") + "; a source that lost its log must begin a new one"
  }
}

extension ActionStore {
  /// Which of these have other content than what came under their numbers, as far as that can still be read: byte for
  /// byte, of body and queue. May wait for the disk: not for an event loop.
  /// - Parameter posts: of one log, by any key.
  func conflicts(of posts: [Int: NumberedPost], in key: SourceLogKey) throws(StoreError) -> [Int: NumberConflict] {
    var wanted = SequenceRanges()
    var byNumber: [Int64: [Int]] = [:]
    for (index, post) in posts {
      wanted.insert(post.origin.sequence)
      byNumber[post.origin.sequence, default: []].append(index)
    }
    var conflicts: [Int: NumberConflict] = [:]
    var after: Int64 = 0
    while true {
      let page = try numberedActions(key, in: wanted, after: after, limit: Self.numberedActionsMax)
      for stored in page.actions {
        for index in byNumber[stored.sequence] ?? [] {
          guard let post = posts[index] else { continue }
          let hasSameBody = stored.action.withBody { $0.elementsEqual(post.body) }
          guard !hasSameBody || stored.queue != post.queue else { continue }
          var conflict = NumberConflict(post)
          conflict.stored = stored.action.withBody { ContentDigest($0) }
          if stored.queue != post.queue { conflict.storedQueue = stored.queue.queue }
          conflicts[index] = conflict
        }
      }
      if page.isLast { return conflicts }
      after = page.reached
    }
  }
}
