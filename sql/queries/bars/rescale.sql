-- Purpose: what bars/splits.py runs, where it names every indicator column: old rows in other shares.
-- Written by scripts/write-indicators from sql/indicators.sql: do not edit.
-- noqa: disable=all

-- name: rescale_rows
-- Old rows whose bars were dropped cannot be computed again: they are brought back to raw prices before the
-- adjustments change, and to today's shares after it. What still has its bars is computed anew besides.
UPDATE market.indicators AS x SET
    sma_20 = x.sma_20 * k.scale,
    sma_50 = x.sma_50 * k.scale,
    ema_9 = x.ema_9 * k.scale,
    ema_21 = x.ema_21 * k.scale,
    ema_50 = x.ema_50 * k.scale,
    macd_12_26_9 = x.macd_12_26_9 * k.scale,
    macd_signal_12_26_9 = x.macd_signal_12_26_9 * k.scale,
    macd_hist_12_26_9 = x.macd_hist_12_26_9 * k.scale,
    atr_14 = x.atr_14 * k.scale,
    bb_upper_20_2 = x.bb_upper_20_2 * k.scale,
    bb_middle_20_2 = x.bb_middle_20_2 * k.scale,
    bb_lower_20_2 = x.bb_lower_20_2 * k.scale,
    donchian_upper_20 = x.donchian_upper_20 * k.scale,
    donchian_lower_20 = x.donchian_lower_20 * k.scale,
    volume_sma_20 = x.volume_sma_20 / k.scale,
    obv = x.obv / k.scale,
    sma_5 = x.sma_5 * k.scale,
    sma_10 = x.sma_10 * k.scale,
    sma_100 = x.sma_100 * k.scale,
    sma_200 = x.sma_200 * k.scale,
    ema_12 = x.ema_12 * k.scale,
    ema_20 = x.ema_20 * k.scale,
    ema_26 = x.ema_26 * k.scale,
    ema_100 = x.ema_100 * k.scale,
    ema_200 = x.ema_200 * k.scale,
    wma_20 = x.wma_20 * k.scale,
    dema_20 = x.dema_20 * k.scale,
    tema_20 = x.tema_20 * k.scale,
    trima_20 = x.trima_20 * k.scale,
    kama_10 = x.kama_10 * k.scale,
    hma_20 = x.hma_20 * k.scale,
    vwma_20 = x.vwma_20 * k.scale,
    linreg_20 = x.linreg_20 * k.scale,
    linreg_slope_20 = x.linreg_slope_20 * k.scale,
    psar = x.psar * k.scale,
    supertrend_10_3 = x.supertrend_10_3 * k.scale,
    ichimoku_tenkan_9 = x.ichimoku_tenkan_9 * k.scale,
    ichimoku_kijun_26 = x.ichimoku_kijun_26 * k.scale,
    ichimoku_senkou_a_9_26 = x.ichimoku_senkou_a_9_26 * k.scale,
    ichimoku_senkou_b_52 = x.ichimoku_senkou_b_52 * k.scale,
    ichimoku_chikou_26 = x.ichimoku_chikou_26 * k.scale,
    mom_10 = x.mom_10 * k.scale,
    ao_5_34 = x.ao_5_34 * k.scale,
    true_range = x.true_range * k.scale,
    keltner_upper_20_10_2 = x.keltner_upper_20_10_2 * k.scale,
    keltner_middle_20_10_2 = x.keltner_middle_20_10_2 * k.scale,
    keltner_lower_20_10_2 = x.keltner_lower_20_10_2 * k.scale,
    donchian_middle_20 = x.donchian_middle_20 * k.scale,
    stddev_20 = x.stddev_20 * k.scale,
    ad = x.ad / k.scale,
    adosc_3_10 = x.adosc_3_10 / k.scale,
    vwap_session = x.vwap_session * k.scale,
    vwap_20 = x.vwap_20 * k.scale,
    eom_14 = x.eom_14 * k.scale * k.scale * k.scale,
    pivot = x.pivot * k.scale,
    pivot_r1 = x.pivot_r1 * k.scale,
    pivot_s1 = x.pivot_s1 * k.scale,
    pivot_r2 = x.pivot_r2 * k.scale,
    pivot_s2 = x.pivot_s2 * k.scale,
    swing_high_5 = x.swing_high_5 * k.scale,
    swing_low_5 = x.swing_low_5 * k.scale,
    ha_open = x.ha_open * k.scale,
    ha_close = x.ha_close * k.scale
FROM (
    SELECT
        a.from_at,
        a.to_at,
        CASE WHEN %(is_back)s::boolean THEN 1.0::double precision / a.price_factor ELSE a.price_factor END AS scale
    FROM market.adjustments AS a
    WHERE a.instrument_id = %(instrument_id)s::integer
) AS k
WHERE x.instrument_id = %(instrument_id)s::integer AND x.open_at >= k.from_at AND x.open_at < k.to_at
    AND x.open_at < (SELECT max(r.kept_from) FROM market.retention AS r)
    AND k.scale <> 1.0::double precision;

-- name: rescale_states
-- The anchors from which the first bars that are kept resume.
UPDATE market.indicator_state AS x SET
    memory = (
        SELECT array_agg(CASE
        WHEN e.place IN (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 93, 94, 95, 96, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128, 129, 130, 131, 132, 133, 134, 135, 136, 137, 138, 139, 140, 141, 142, 143, 144, 145, 146, 147, 148, 149, 150, 151, 152, 153, 154, 155, 156, 157, 158, 159, 160, 161, 162, 163, 164, 165, 166, 167, 168, 169, 185, 186, 187, 188, 189, 190, 191, 192, 193, 194, 195, 196, 197, 198, 199, 200, 201, 202, 203, 204, 205, 206, 207, 208, 209, 210, 211, 212, 213, 214, 215, 216, 217, 218, 219, 220, 221, 222, 223, 224, 225, 226, 227, 228, 229, 230, 231, 232, 233, 234, 235, 236, 237, 238, 239, 240, 241, 242, 243, 244, 245, 246, 247, 248, 249, 250, 251, 252, 253, 280, 281, 282, 283, 284, 285, 286, 287, 288, 289, 290, 291, 292, 293, 294, 295, 296, 297, 298, 299, 300, 301, 302, 303, 304, 305, 319, 320, 321, 322, 323, 324, 325, 326, 327, 328, 329, 330, 331, 332, 333, 334, 335, 336, 337, 448, 449, 450, 451, 452, 453, 454, 455, 456, 457, 458, 459, 460, 461, 462, 463, 464, 465, 466, 467, 468, 469, 470, 471, 472, 473, 474, 475, 476, 477, 478, 479, 480, 481, 482, 483, 484, 485, 486, 487, 488, 489, 490, 491, 492, 493, 494, 495, 496, 497, 498, 499, 500, 501, 502, 503, 504, 505, 506, 507, 508, 509, 510, 511, 512, 513, 514, 515, 516, 517, 518, 519, 520, 521, 522, 523, 524, 525, 526, 527, 528, 529, 530, 531, 532, 533, 534, 535, 536, 537, 538, 539, 540, 541, 542, 543, 544, 545, 546, 547, 548, 549, 550, 551, 552, 553, 554, 555, 556, 557, 558, 559, 560, 561, 562, 563, 564, 565, 566, 567, 568, 569, 570, 571, 572, 573, 574, 575, 576, 577, 578, 579, 580, 581, 582, 583, 584, 585, 586, 587, 588, 589, 590, 591, 592, 593, 594, 595, 596, 597, 598, 599, 600, 601, 602, 603, 604, 605, 606, 607, 608, 609, 610, 611, 612, 613, 614, 615, 616, 617, 618, 619, 620, 621, 622, 623, 624, 625, 626, 627, 628, 629, 630, 631, 632, 633, 634, 635, 636, 637, 638, 639, 640, 681, 682, 683, 684, 685, 686, 687, 688, 689, 690, 691, 692, 693, 694, 695, 696, 697, 698, 699, 700, 701, 702, 703, 704, 705, 706, 707, 712, 713, 714, 715, 716, 717, 718, 719, 720, 721, 722, 723, 724, 725, 726, 727, 728, 729, 730, 731, 732, 733, 734, 735, 736, 737, 738, 739, 740, 741, 742, 743, 744, 745, 746, 747, 748, 749, 750, 751, 752, 753, 754, 755, 756, 757, 758, 759, 760, 761, 762, 763, 764, 765, 766, 767, 768, 769, 770, 771, 772, 773, 774, 775, 776, 777, 778, 779, 780, 781, 782, 783, 784, 785, 786, 787, 788, 789, 790, 791, 792, 793, 794, 795, 796, 797, 798, 799, 800, 801, 802, 803, 804, 805, 806, 807, 808, 809, 810, 811, 812, 813, 814, 815, 816, 832, 833, 834, 835, 836, 837, 838, 839, 840, 841, 842, 843, 844, 845, 846, 847, 848, 849, 850, 851, 853, 854, 855, 856, 857, 858, 859, 860, 861, 862, 863, 864, 865, 866, 867, 868, 869, 871, 872, 873, 874, 876, 877, 879, 880, 881, 882, 883, 885, 897, 898, 899, 900, 901, 902, 903, 904, 905) THEN e.value * k.scale
        WHEN e.place IN (170, 171, 172, 173, 174, 175, 176, 177, 178, 179, 180, 181, 182, 183, 184) THEN e.value * k.scale * k.scale
        WHEN e.place IN (306, 307, 308, 309, 310, 311, 312, 313, 314, 315, 316, 317, 318) THEN e.value * k.scale * k.scale * k.scale
        WHEN e.place IN (346, 347, 348, 349, 350, 351, 352, 353, 384, 385, 386, 387, 388, 389, 390, 391, 392, 393, 394, 395, 396, 397, 398, 399, 400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 887, 889, 890, 891, 894) THEN e.value / k.scale
        ELSE e.value END ORDER BY e.place)
        FROM unnest(x.memory) WITH ORDINALITY AS e (value, place)
    )
FROM (
    SELECT
        a.from_at,
        a.to_at,
        CASE WHEN %(is_back)s::boolean THEN 1.0::double precision / a.price_factor ELSE a.price_factor END AS scale
    FROM market.adjustments AS a
    WHERE a.instrument_id = %(instrument_id)s::integer
) AS k
WHERE x.instrument_id = %(instrument_id)s::integer AND x.open_at >= k.from_at AND x.open_at < k.to_at
    AND x.open_at < (SELECT max(r.kept_from) FROM market.retention AS r)
    AND k.scale <> 1.0::double precision;
