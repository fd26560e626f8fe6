#!/bin/sh
# Makes the pictures and films that the simulator serves. They are committed; run this again only to change them.
# Needs ffmpeg with libx264 and libwebp.
set -eu
cd "$(dirname "$0")"

still() { # name size colours filter options…
    name=$1 size=$2 colours=$3 filter=$4
    shift 4
    ffmpeg -v error -y -f lavfi -i "gradients=s=$size:$colours:n=3:seed=7:duration=1" -vf "$filter" -frames:v 1 "$@" "$name"
}

film() { # name colours
    ffmpeg -v error -y -f lavfi -i "gradients=s=240x424:$2:n=3:seed=7:speed=0.02:duration=2:rate=24" \
        -f lavfi -i "sine=frequency=330:duration=2:sample_rate=22050" \
        -f lavfi -i "color=white:s=40x40:duration=2:rate=24" \
        -filter_complex "[0][2]overlay=x=20+80*t:y=190,format=yuv420p" -map 1:a \
        -c:v libx264 -profile:v baseline -crf 30 -g 12 -c:a aac -b:a 24k -ac 1 \
        -movflags +faststart -map_metadata -1 -fflags +bitexact "$1"
}

DUSK=c0=0x1b2a49:c1=0xd9654b:c2=0xf6c667
SEA=c0=0x05386b:c1=0x379683:c2=0xedf5e1
FIELD=c0=0x3a5a40:c1=0xa3b18a:c2=0xdad7cd
NIGHT=c0=0x10002b:c1=0x5a189a:c2=0xe0aaff

BOX="drawbox=x=iw/3:y=ih/3:w=iw/3:h=ih/3:color=white@0.5:t=6"
still dusk.jpg 416x624 $DUSK "$BOX" -q:v 4 -bitexact
still sea.jpg 416x624 $SEA "$BOX" -q:v 4 -bitexact
still field.jpg 416x624 $FIELD "$BOX" -q:v 4 -bitexact
still preview.jpg 104x156 $DUSK "boxblur=6" -q:v 8 -bitexact
still night.png 208x312 $NIGHT "$BOX,format=rgb8,format=rgb24" -bitexact
still night.webp 416x624 $NIGHT "$BOX" -c:v libwebp -quality 70 -bitexact
film dusk.mp4 $DUSK
film sea.mp4 $SEA
ls -l
